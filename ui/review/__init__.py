"""Panels of the Review page."""
