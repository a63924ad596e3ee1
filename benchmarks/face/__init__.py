"""Benchmarks of faces: accuracy, quality, liveness, enrolment, speed."""
