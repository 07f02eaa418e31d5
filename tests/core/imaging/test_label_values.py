"""Grey values and classes as people write them."""

from __future__ import annotations

import pytest

from core.errors import LabelMapError
from core.label_scheme import LabelScheme
from core.labels.values import read_value_map

SCHEME = LabelScheme.from_names({"cell boundaries": 1, "nucleus": 2})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("127 = Nucleus", {127: 2}),
        (" 127=cell_boundaries ;255 = ignore,\n3=2", {127: 1, 255: 255, 3: 2}),
    ],
)
def test_lists_are_read(text: str, expected: dict[int, int]) -> None:
    assert read_value_map(text, SCHEME) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("127", "'127' is invalid"),
        ("127 =", "is invalid"),
        ("x = nucleus", "'x' is not a grey value"),
        ("1 = 127 = nucleus", "'1 = 127' is not a grey value"),
        ("127 = nuclei", "no class 'nuclei'"),
        ("1 = nucleus, 1 = background", "listed twice"),
    ],
)
def test_what_cannot_be_is_refused(text: str, words: str) -> None:
    with pytest.raises(LabelMapError, match=words):
        read_value_map(text, SCHEME)
