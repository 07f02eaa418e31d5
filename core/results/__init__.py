"""Evaluations in the store: asking for one, scoring it, looking at it."""
