"""Panels of the Segment page."""
