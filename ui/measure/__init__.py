"""Panels of the Measure page."""
