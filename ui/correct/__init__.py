"""Panels of the Correct page."""
