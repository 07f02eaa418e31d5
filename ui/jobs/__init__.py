"""Panels of the Jobs page."""
