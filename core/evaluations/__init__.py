"""Evaluations that are stored: what is scored, started, read and taken away."""
