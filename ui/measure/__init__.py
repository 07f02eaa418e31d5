"""The Measure page."""
