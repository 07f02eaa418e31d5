"""Measured objects of a project: which label maps there are, asking for them to be measured, looking at the figures."""
