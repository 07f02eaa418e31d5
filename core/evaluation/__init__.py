"""Scores of predictions against references. Pure: label maps in, counts and metrics out."""
