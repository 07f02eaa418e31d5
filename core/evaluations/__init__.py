"""Evaluations that are stored: what is scored, started, read and taken away.

Images, references, classes and settings are frozen when an evaluation is asked for. Each image's scores are kept as
soon as there are any; looking aggregates what is kept and measures nothing. Two evaluations can be compared only if
they share references, pixel sizes and settings.
"""
