"""The drop zone's face in Python: what may be dropped is said once, in the table of formats."""

from __future__ import annotations

import pytest

from core.imaging.formats import FORMATS
from ui.uploader import ACCEPTED, kinds_text


@pytest.mark.parametrize(
    ("accept", "text"),
    [
        ((), "Any file"),
        ((".zip",), "ZIP"),
        ((".png",), "PNG"),
        ((".tif", ".zip"), "TIFF, OME-TIFF or ZIP"),
        ((".nii.gz", ".rec"), "NIfTI or MRC"),
        ((*ACCEPTED, ".zip"), "PNG, JPEG, TIFF, OME-TIFF, NIfTI, MRC or ZIP"),
    ],
)
def test_what_may_be_dropped_in_words(accept: tuple[str, ...], text: str) -> None:
    assert kinds_text(accept) == text


def test_every_ending_that_can_be_read_is_offered() -> None:
    assert set(ACCEPTED) == {suffix for row in FORMATS for suffix in row.suffixes}
