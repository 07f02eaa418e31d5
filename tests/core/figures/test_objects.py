"""The figure of objects: columns, dots, marks, the line, and what is left out."""

from __future__ import annotations

import numpy as np
import pytest

from core.figures import objects as figure_module
from core.figures.objects import object_dots
from core.label_scheme import DEFAULT_SCHEME
from core.morphometry.measures import MEASURES
from core.morphometry.objects import measure_objects
from core.morphometry.summary import ImageObjects, ImageSummary, Selection, summarise

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
    return summarise(made, AREA, Selection(1))


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
    found = rows(("a", "mouse 1", [2, 2, 2]), ("b", "mouse 1", [8]), ("c", "mouse 2", [6]))
    made = drawn(found)
    assert [len(trace["y"]) for trace in made["marks"]] == [2, 1]
    assert made["lines"][0]["y"][1] == 5.0  # of 2 and 8, not of all four objects
    assert made["lines"][0]["error_y"]["array"][1] > 0
    assert made["lines"][1]["error_y"]["array"][1] == 0  # one image: no interval
    ticks = object_dots(found, AREA, "#ff0000", physical=True).figure.layout.xaxis.ticktext
    assert ticks == ("mouse 1<br>n = 4 in 2 images", "mouse 2<br>n = 1")


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
