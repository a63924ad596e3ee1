"""What all benchmarks share: the machine, progress, tables, resampling."""
