"""Label schemes are checked and survive JSON."""

from __future__ import annotations

import math

import pytest

from core.errors import LabelMapError
from core.label_scheme import DEFAULT_SCHEME, LabelClass, LabelScheme, distinct_colors, next_color


def _class(**changes: object) -> LabelClass:
    values = {"id": 1, "name": "a", "color": "#ff0000", "safe_color": "#00ff00", "key": "1", **changes}
    return LabelClass(**values)  # type: ignore[arg-type]


def test_default_scheme_has_the_ids_and_colours_of_the_original_work() -> None:
    assert [(item.id, item.name) for item in DEFAULT_SCHEME.classes] == [
        (1, "mitochondria"), (2, "nucleus"), (3, "ER"), (4, "lipid droplets"), (5, "cell boundaries"),
    ]  # fmt: skip
    assert DEFAULT_SCHEME[1].rgb() == (255, 0, 0)
    assert DEFAULT_SCHEME.name_of(0) == "background"
    assert DEFAULT_SCHEME.name_of(255) == "ignore"


def test_json_round_trip() -> None:
    assert LabelScheme.from_json(DEFAULT_SCHEME.to_json()) == DEFAULT_SCHEME


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"id": 0}, "id 0", id="background"),
        pytest.param({"id": 254}, "id 254", id="reserved"),
        pytest.param({"name": " "}, "empty name", id="no name"),
        pytest.param({"color": "red"}, "colour 'red'", id="colour word"),
    ],
)
def test_a_wrong_class_is_refused(changes: dict[str, object], words: str) -> None:
    with pytest.raises(LabelMapError, match=words):
        _class(**changes)


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"name": "b", "key": "2"}, "id 1 more than once"),
        ({"id": 2, "name": "A", "key": "2"}, "name a more than once"),
        ({"id": 2, "name": "b"}, "key 1 more than once"),
    ],
)
def test_nothing_is_used_twice(other: dict[str, object], words: str) -> None:
    with pytest.raises(LabelMapError, match=words):
        LabelScheme((_class(), _class(**other)))


def test_names_of_a_dataset_become_a_scheme_with_distinct_colours() -> None:
    scheme = LabelScheme.from_names({"background": 0, "synapse": 4, "Mitochondria": 3, "ignore": 5, "axon": 2})
    assert [(item.id, item.name) for item in scheme.classes] == [(2, "axon"), (3, "Mitochondria"), (4, "synapse")]
    assert scheme[3].color == DEFAULT_SCHEME[1].color
    assert len({item.color for item in scheme.classes}) == 3


def test_a_scheme_may_have_253_classes() -> None:
    scheme = LabelScheme.from_names({f"c{i}": i for i in range(1, 254)})
    assert len(scheme.classes) == 253
    assert len({item.color for item in scheme.classes}) == 253
    assert len({item.safe_color for item in scheme.classes}) == 253


def test_no_two_of_twenty_classes_look_alike_in_either_palette() -> None:
    scheme = LabelScheme.from_names(
        {"ER": 9, **{f"c{i}": i for i in range(1, 9)}, **{f"d{i}": i for i in range(10, 21)}}
    )
    for safe in (False, True):
        colors = [item.rgb(safe=safe) for item in scheme.classes]
        assert min(math.dist(a, b) for i, a in enumerate(colors) for b in colors[:i]) > 60


def test_a_colour_that_a_class_has_is_never_the_next_one() -> None:
    taken: list[str] = []
    for _ in range(40):
        taken.append(next_color(taken, safe=True))
    assert len(set(taken)) == 40
    assert next_color(["#42D4F4"]) != "#42d4f4"


def test_two_classes_of_one_colour_are_told_apart() -> None:
    alike = LabelScheme((_class(color="#00ff00"), _class(id=2, name="b", key="2", color="#00ff00")))
    first, second = distinct_colors(alike).classes
    assert first == alike.classes[0]
    assert second.color not in ("#00ff00",)
    assert second.safe_color != first.safe_color
    assert distinct_colors(DEFAULT_SCHEME) is DEFAULT_SCHEME


def test_classes_of_a_dataset_can_be_told_apart() -> None:
    scheme = LabelScheme.from_names({"cell_boundaries": 1, "glia_extracellular": 2, "mitochondria": 3, "synapse": 4})
    colors = [item.rgb() for item in scheme.classes]
    distances = [math.dist(a, b) for i, a in enumerate(colors) for b in colors[:i]]
    assert min(distances) > 100


def test_classes_are_added_with_numbers_colours_and_keys_of_their_own() -> None:
    more = DEFAULT_SCHEME.with_classes(["Golgi", "ER", "peroxisomes"], retired={6})
    assert more.classes[:5] == DEFAULT_SCHEME.classes
    assert [(item.id, item.name, item.key) for item in more.classes[5:]] == [(7, "Golgi", "6"), (8, "peroxisomes", "7")]
    assert len({item.color for item in more.classes}) == len({item.safe_color for item in more.classes}) == 7
    gap = LabelScheme((_class(id=2, name="nucleus"),)).with_classes(["mitochondria"])
    assert [item.id for item in gap.classes] == [1, 2]
    with pytest.raises(LabelMapError, match="all 253 numbers are used"):
        LabelScheme.from_names({f"c{i}": i for i in range(1, 254)}).with_classes(["one more"])


def test_a_scheme_is_shown_with_the_names_and_colours_of_now() -> None:
    then = LabelScheme((_class(), _class(id=2, name="ER", key="2"), _class(id=3, name="golgi", key="3")))
    now = LabelScheme((_class(name="A", color="#0000ff"), _class(id=2, name="golgi", key="3")))
    shown = then.shown_as(now)
    assert [(item.id, item.name) for item in shown.classes] == [(1, "A"), (2, "golgi"), (3, "golgi (removed)")]
    assert shown[1].color == "#0000ff"
    assert then.shown_as(then) == then
