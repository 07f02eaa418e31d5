"""Panels of the Train page: trainings and rounds."""
