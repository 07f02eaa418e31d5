"""The forms in which models go from one program to another."""

from __future__ import annotations

from enum import StrEnum


class ModelFormat(StrEnum):
    """What the files of a model are."""

    NNUNET = "nnunet"
    """A zip of nnU-Net results; one from elsewhere may hold several models."""

    BUNDLE = "bundle"
    """A zip that a Cristae has exported for another."""
