"""Captures against references: the seam between the service and the biometric engines."""
