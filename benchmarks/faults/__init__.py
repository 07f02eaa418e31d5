"""Killing parts of a running Cristae at random moments: ``python -m benchmarks.faults``."""
