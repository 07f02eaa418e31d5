"""The figure of objects: columns, dots, marks, the line, and what is left out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.figures import objects as figure_module
from core.figures.objects import BRACKETED, object_dots
from core.label_scheme import DEFAULT_SCHEME
from core.morphometry.measures import MEASURES
from core.morphometry.objects import measure_objects
from core.morphometry.summary import ImageObjects, ImageSummary, Selection, summarise

EVERY = Selection(1, whole_only=False)
AREA = MEASURES[0]


def rows(*images: tuple[str, str, list[int]]) -> list[ImageSummary]:
    """Images with mitochondria of these widths, one under the other, at a pixel size of 1 µm."""
    made = []
    for name, specimen, widths in images:
        labels = np.zeros((2 * len(widths) + 2, 40), np.uint8)
        for number, width in enumerate(widths):
            labels[2 * number + 1, 1 : 1 + width] = 1
        table = measure_objects(labels, DEFAULT_SCHEME, 1000.0)
        made.append(ImageObjects(f"id {name}", name, specimen, name, table))
    return summarise(made, AREA, EVERY)


def drawn(made: list[ImageSummary], **options: bool) -> dict[str, list[dict]]:
    """Traces by what they are."""
    traces = object_dots(made, AREA, "#ff0000", physical=True, **options).figure.to_dict()["data"]
    return {
        "dots": [trace for trace in traces if trace.get("hoverinfo") == "skip"],
        "marks": [trace for trace in traces if trace.get("customdata") is not None],
        "lines": [trace for trace in traces if trace["mode"] == "lines"],
    }


def test_images_of_one_specimen_stand_beside_each_other() -> None:
    made = drawn(rows(("a", "", [2, 4]), ("b", "", [6])))
    assert [sorted(trace["y"]) for trace in made["dots"]] == [[2.0, 4.0], [6.0]]
    assert [list(trace["y"]) for trace in made["marks"]] == [[3.0], [6.0]]
    assert [list(trace["customdata"]) for trace in made["marks"]] == [["id a"], ["id b"]]
    assert [trace["y"][1] for trace in made["lines"]] == [3.0, 6.0]


def test_specimens_stand_beside_each_other_and_their_line_is_over_images() -> None:
    found = rows(("a", "mouse 1", [2, 2, 2]), ("b", "mouse 1", [8]), ("d", "mouse 1", [5]), ("c", "mouse 2", [6]))
    made = drawn(found)
    assert [len(trace["y"]) for trace in made["marks"]] == [3, 1]
    assert made["lines"][0]["y"][1] == 5.0  # of 2, 8 and 5, not of all five objects
    assert made["lines"][0]["error_y"]["array"][1] > 0
    assert made["lines"][1]["error_y"]["array"][1] == 0  # one image: no interval
    ticks = object_dots(found, AREA, "#ff0000", physical=True).figure.layout.xaxis.ticktext
    assert ticks == ("mouse 1<br>n = 5 in 3 images", "mouse 2<br>n = 1")


def test_many_images_of_one_specimen_become_one_column() -> None:
    made = drawn(rows(*((f"image {number}", "", [number + 1]) for number in range(13))))
    assert len(made["dots"]) == 1
    assert len(made["marks"][0]["y"]) == 13


def test_images_without_objects_have_no_column() -> None:
    made = drawn(rows(("a", "", [2]), ("empty", "", [])))
    assert len(made["marks"]) == 1


def test_nothing_at_all_is_an_empty_figure() -> None:
    assert drawn(rows(("empty", "", []))) == {"dots": [], "marks": [], "lines": []}


def test_of_many_objects_some_are_drawn_and_all_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figure_module, "DRAWN", 10)
    found = rows(("a", "", list(range(1, 31))))
    dots = drawn(found)["dots"][0]["y"]
    assert len(dots) == 10
    assert (min(dots), max(dots)) == (1.0, 30.0)
    assert drawn(found)["marks"][0]["y"][0] == pytest.approx(15.5)


def test_the_table_has_a_row_per_image_and_names_are_no_tags() -> None:
    found = rows(("<b>a</b>", "", [2, 4]))
    made = object_dots(found, AREA, "#ff0000", physical=True)
    assert made.table["area_um2_mean"].tolist() == [3.0]
    assert made.figure.layout.xaxis.ticktext[0].startswith("&lt;b&gt;a")


def test_a_logarithmic_axis_leaves_out_what_it_cannot_show() -> None:
    found = rows(("a", "", [2, 4]))
    made = object_dots(found, AREA, "#ff0000", physical=True, logarithmic=True)
    assert made.figure.layout.yaxis.type == "log"


def conditioned(*images: tuple[str, str, str, list[int]]) -> list[ImageSummary]:
    """As `rows`, with a condition before the specimen."""
    made = rows(*((name, specimen, widths) for name, _, specimen, widths in images))
    wanted = [replace(row.image, condition=each[1]) for row, each in zip(made, images, strict=True)]
    return summarise(wanted, AREA, EVERY)


def test_conditions_stand_beside_each_other_with_a_mark_per_specimen() -> None:
    found = conditioned(
        ("a", "treated", "mouse 3", [8]),
        ("b", "control", "mouse 1", [2, 2, 2]),
        ("c", "control", "mouse 1", [6]),
        ("d", "control", "mouse 2", [10]),
        ("e", "", "mouse 9", [30]),
        ("f", "treated", "mouse 4", [9, 11]),
    )
    made = drawn(found, reference="control")
    assert [list(trace["y"]) for trace in made["marks"]] == [
        [3.0, 10.0],
        [8.0, 10.0],
    ]  # of mouse 1, four objects in two images
    assert [list(trace["customdata"]) for trace in made["marks"]] == [["id b", "id d"], ["id a", "id f"]]
    assert [trace["y"][1] for trace in made["lines"]] == [6.5, 9.0]
    assert made["lines"][0]["error_y"]["array"][1] == pytest.approx(np.std([3, 10], ddof=1))
    looks = [look for trace in made["marks"] for look in trace["marker"]["symbol"]]
    assert len(set(looks)) == 4  # four animals, and none is in both
    figure = object_dots(found, AREA, "#ff0000", physical=True, reference="control").figure
    assert figure.layout.xaxis.ticktext == (
        "control<br>n = 2 specimens<br>5 objects",
        "treated<br>n = 2 specimens<br>3 objects",
    )
    assert [each.text for each in figure.layout.annotations] == ["Welch's t-test, p = 0.60"]  # of 3, 10 and 8, 10


def test_one_specimen_in_both_conditions_is_one_sign_and_joined() -> None:
    found = conditioned(("a", "before", "p", [4]), ("b", "after", "p", [8]), ("c", "before", "q", [5]))
    made = drawn(found, reference="before")
    signs = [list(trace["marker"]["symbol"]) for trace in made["marks"]]
    assert signs[0][0] == signs[1][0]
    joined = [trace for trace in made["lines"] if trace["line"].get("dash")]
    assert [list(trace["y"]) for trace in joined] == [[4.0, 8.0]]
    figure = object_dots(found, AREA, "#ff0000", physical=True, reference="before").figure
    assert not figure.layout.annotations  # no test holds


def test_a_reference_without_objects_has_no_brackets() -> None:
    found = conditioned(("a", "control", "m", []), ("b", "treated", "n", [4]), ("c", "treated", "o", [5]))
    figure = object_dots(found, AREA, "#ff0000", physical=True, reference="control").figure
    assert figure.layout.xaxis.ticktext == ("treated<br>n = 2 specimens<br>2 objects",)
    assert not figure.layout.annotations


def test_of_many_conditions_no_p_stands_in_the_figure() -> None:
    conditions = ("control", "a", "b", "c", "d", "e")
    found = conditioned(*((f"{name}{i}", name, f"{name}{i}", [4 + i]) for name in conditions for i in range(2)))
    figure = object_dots(found, AREA, "#ff0000", physical=True, reference="control").figure
    assert not figure.layout.annotations
    fewer = [row for row in found if row.image.condition != "e"]
    figure = object_dots(fewer, AREA, "#ff0000", physical=True, reference="control").figure
    assert len(figure.layout.annotations) == BRACKETED == 4
    heights = [each.y for each in figure.layout.annotations]
    assert heights == sorted(heights)
    assert figure.layout.height > 400
