"""Units, what each measure says of a known shape, and figures over images."""

from __future__ import annotations

import math

import numpy as np
import pytest

from core.evaluation.intervals import UnitKind
from core.imaging.object_pyramid import ObjectIds
from core.label_scheme import DEFAULT_SCHEME, LabelScheme
from core.morphometry.conditions import unit_means
from core.morphometry.frames import images_frame, objects_frame
from core.morphometry.measures import MEASURES, Measure, measures_of
from core.morphometry.objects import measure_objects
from core.morphometry.summary import ImageObjects, Selection, overall, overall_density, summarise, told_apart

BAR = np.zeros((8, 12), np.uint8)
BAR[2:4, 2:8] = 1
"""One mitochondrion of 2 x 6 pixels."""
BAR[6, 2:8] = 3
"""ER along it, two pixels of background between."""


def by_name(name: str, class_id: int = 1) -> Measure:
    return next(each for each in measures_of(DEFAULT_SCHEME, class_id) if each.name == name)


def image(labels: np.ndarray, nm: float | None = 100.0, name: str = "a", specimen: str = "") -> ImageObjects:
    return ImageObjects(name, name, specimen, name, measure_objects(labels, DEFAULT_SCHEME, nm, contact_nm=250.0))


@pytest.mark.parametrize(
    ("name", "in_px", "physical"),
    [
        ("area", 12.0, 0.12),
        ("diameter", 2 * math.sqrt(12 / math.pi), 0.2 * math.sqrt(12 / math.pi)),
        ("length", 4 * math.sqrt(3), 0.4 * math.sqrt(3)),
        ("width", 4 * math.sqrt(1 / 3), 0.4 * math.sqrt(1 / 3)),
        ("aspect_ratio", 3.0, 3.0),
        ("distance_to_ER", 2.0, 200.0),
    ],
)
def test_a_bar_in_pixels_and_in_its_units(name: str, in_px: float, physical: float) -> None:
    table = image(BAR).table.where(np.array([True, False]))
    assert by_name(name).of(table, physical=False).tolist() == pytest.approx([in_px])
    assert by_name(name).of(table, physical=True).tolist() == pytest.approx([physical])


def test_contact_is_a_share_of_the_outline() -> None:
    table = image(BAR).table
    # the lower row of six, of twelve outline pixels, is 200 nm from the ER; the upper one 300 nm
    assert by_name("contact_with_ER").of(table, physical=True)[0] == pytest.approx(50.0)


def test_circularity_is_one_at_most() -> None:
    dot = np.zeros((5, 5), np.uint8)
    dot[2, 2] = 1
    assert by_name("circularity").of(image(dot).table, physical=True).tolist() == [1.0]


def test_without_a_pixel_size_there_are_pixels_only() -> None:
    table = image(BAR, None).table
    assert np.isnan(by_name("area").of(table, physical=True)).all()
    assert by_name("area").of(table, physical=False).tolist() == [12.0, 6.0]
    assert np.isnan(by_name("contact_with_ER").of(table, physical=False)).all()


def test_classes_whose_columns_would_have_one_name_keep_apart() -> None:
    scheme = LabelScheme.from_names({"m": 1, "lipid droplets": 2, "lipid_droplets": 3})
    labels = np.zeros((4, 30), np.uint8)
    labels[1, 10], labels[1, 13], labels[1, 20] = 1, 2, 3
    found = ImageObjects("a", "a", "", "", measure_objects(labels, scheme, 10.0))
    frame = objects_frame([found], scheme, physical=True, made_by="")
    assert len(set(frame.columns)) == len(frame.columns)
    assert frame["distance_to_lipid_droplets_2_nm"][0] == pytest.approx(20)
    assert frame["distance_to_lipid_droplets_3_nm"][0] == pytest.approx(90)


def test_of_an_image_without_a_pixel_size_nothing_counts_in_physical_units() -> None:
    rows = summarise([image(two_of_three_whole()), image(two_of_three_whole(), None)], by_name("area"), Selection(1))
    assert [row.objects for row in rows] == [3, 0]
    assert math.isnan(rows[1].area_fraction)
    assert math.isnan(rows[1].density)


def test_an_absent_class_has_no_distance_and_no_contact() -> None:
    (row,) = summarise([image(BAR)], by_name("contact_with_nucleus"), Selection(1))
    assert row.values.tolist() == [0.0]
    (row,) = summarise([image(BAR)], by_name("distance_to_nucleus"), Selection(1))
    assert row.values.tolist() == []


def test_names_of_measures_are_unique_and_say_their_unit() -> None:
    found = measures_of(DEFAULT_SCHEME, 1)
    assert len({each.name for each in found}) == len(found)
    assert [each.column(physical=True) for each in MEASURES][:3] == ["area_um2", "diameter_um", "perimeter_um"]
    assert by_name("contact_with_ER").column(physical=True) == "contact_with_ER_percent"
    assert by_name("area").heading(physical=False) == "Area (px)"
    assert not any(each.name.endswith("mitochondria") for each in found)


def two_of_three_whole() -> np.ndarray:
    """Three mitochondria of 1, 4 and 2 pixels; the last at the left edge."""
    labels = np.zeros((10, 10), np.uint8)
    labels[2, 2] = 1
    labels[4:6, 4:6] = 1
    labels[8, 0:2] = 1
    return labels


WHOLE_MEAN = (64 * 0.01 + 64 * 64 / 49 * 0.04) / (64 + 64 * 64 / 49)
"""Mean area of its whole ones, µm²: one pixel fits 64 places without touching the edge, 2 x 2 pixels 49."""


def test_the_counting_frame_leaves_out_two_edges_and_takes_the_other_two() -> None:
    labels = np.zeros((10, 10), np.uint8)
    labels[0, 4] = labels[4, 0] = labels[9, 4] = labels[4, 9] = labels[5, 5] = 1  # top, left, bottom, right, inside
    (row,) = summarise([image(labels)], by_name("area"), Selection(1))
    assert (row.objects, row.cut) == (5, 4)
    assert row.density == pytest.approx(3 / 1.0 * 100)


def test_cut_objects_count_but_are_not_measured() -> None:
    (row,) = summarise([image(two_of_three_whole())], by_name("area"), Selection(1))
    assert (row.objects, row.cut) == (3, 1)
    assert sorted(row.values.tolist()) == pytest.approx([0.01, 0.04])
    assert row.mean == pytest.approx(WHOLE_MEAN)
    assert row.median == pytest.approx(0.025)
    assert row.deviation == pytest.approx(0.03 / math.sqrt(2), rel=0.02)
    assert row.area_fraction == pytest.approx(0.07)
    assert row.density == pytest.approx(2 / 1.0 * 100)  # the one at the left edge is outside the counting frame
    (every,) = summarise([image(two_of_three_whole())], by_name("area"), Selection(1, whole_only=False))
    assert len(every.values) == 3


def test_the_smallest_size_is_in_the_units_of_the_page() -> None:
    images = [image(two_of_three_whole())]
    (row,) = summarise(images, by_name("area"), Selection(1, least_um2=0.02, least_px=100))
    assert (row.objects, row.values.tolist()) == (2, pytest.approx([0.04]))
    (row,) = summarise(images, by_name("area"), Selection(1, least_px=2, physical=False))
    assert (row.objects, row.values.tolist()) == (2, [4.0])


def test_an_image_without_the_class_counts_as_none_of_it_and_has_no_mean() -> None:
    rows = summarise([image(np.zeros((10, 10), np.uint8)), image(two_of_three_whole())], by_name("area"), Selection(1))
    assert (rows[0].objects, rows[0].density, rows[0].area_fraction) == (0, 0.0, 0.0)
    assert math.isnan(rows[0].mean)
    found = overall(rows)
    assert (found.images, found.mean) == (1, pytest.approx(WHOLE_MEAN))
    assert math.isnan(found.low)
    assert overall_density(rows).mean == pytest.approx(100)  # the empty image counts here


def test_means_and_intervals_are_over_specimens() -> None:
    small, large = np.zeros((10, 10), np.uint8), np.zeros((10, 10), np.uint8)
    small[2, 2] = small[4, 4] = small[6, 6] = 1
    large[2:6, 2:6] = 1
    middle = np.zeros((10, 10), np.uint8)
    middle[2:5, 2:5] = 1
    images = [image(small, name="a", specimen="one"), image(small, name="b", specimen="one"),
              image(large, name="c", specimen="two"), image(middle, name="d", specimen="three")]  # fmt: skip
    rows = summarise(images, by_name("area"), Selection(1))
    found = overall(rows)
    assert found.mean == pytest.approx((0.01 + 0.16 + 0.09) / 3)  # not over eight objects, not over four images
    assert (found.images, found.units, found.unit_kind) == (4, 3, UnitKind.SPECIMENS)
    assert 0 < found.low < found.mean < found.high
    units = unit_means(rows)
    assert found.mean == pytest.approx(np.mean([unit.mean for unit in units])), "the same as beside a condition"
    assert math.isnan(overall(rows[1:3]).low), "two specimens give no interval"
    assert overall([]).images == 0


def test_tables_have_a_row_per_object_and_per_image() -> None:
    images = [image(BAR, name="a"), image(two_of_three_whole(), name="b", specimen="s")]
    frame = objects_frame(images, DEFAULT_SCHEME, physical=True, made_by="Reference labels")
    assert frame["image"].tolist() == ["a", "a", "b", "b", "b"]
    assert frame["class"].tolist() == ["mitochondria", "ER", *["mitochondria"] * 3]
    assert frame["object"].tolist() == [1, 1, 1, 2, 3]
    assert frame["area_um2"].tolist() == pytest.approx([0.12, 0.06, 0.01, 0.04, 0.02])
    assert frame["area_px"].tolist() == [12, 6, 1, 4, 2]
    assert frame["distance_to_ER_nm"].tolist()[0] == pytest.approx(200)
    assert math.isnan(frame["distance_to_ER_nm"].tolist()[1])
    assert frame["cut_off"].tolist() == [False, False, False, False, True]
    assert set(frame["contact_within_nm"]) == {250.0}
    rows = summarise(images, by_name("area"), Selection(1))
    table = images_frame(rows, by_name("area"), physical=True)
    assert table["objects"].tolist() == [1, 3]
    assert table["area_um2_mean"].tolist() == pytest.approx([0.12, WHOLE_MEAN])


def test_a_table_of_nothing_still_has_its_columns() -> None:
    frame = objects_frame([image(np.zeros((4, 4), np.uint8))], DEFAULT_SCHEME, physical=True, made_by="")
    assert len(frame) == 0
    assert {"image", "class", "area_um2"} <= set(frame.columns)


def test_tables_say_which_objects_ids_tell_apart_and_how_far_the_next_one_is() -> None:
    labels = np.array([[1, 1, 1, 0, 1, 3, 3]], np.uint8)
    objects = ObjectIds(np.array([[5, 5, 2**32 - 1, 0, 8, 1, 2]], np.uint32), (1,))
    table = measure_objects(labels, DEFAULT_SCHEME, 100.0, contact_nm=50.0, objects=objects)
    images = [ImageObjects("a", "a", "", "a", table), image(BAR, name="b")]
    frame = objects_frame(images, DEFAULT_SCHEME, physical=True, made_by="")
    assert frame["counted_by"].tolist() == ["ids", "ids", "ids", "pieces", "pieces", "pieces"]
    assert frame["object_id"].tolist()[:3] == [5, 2**32 - 1, 8]
    assert frame["object_id"].isna().tolist() == [False, False, False, True, True, True]
    assert frame["distance_to_mitochondria_nm"].tolist()[:3] == [0, 0, 100]
    assert frame["contact_with_mitochondria_percent"].tolist()[:3] == pytest.approx(
        [100, 100, 0]
    )  # the image's edge is no outline
    assert frame["distance_to_mitochondria_nm"].isna().tolist() == [False, False, False, False, True, False]
    own = [each for each in measures_of(DEFAULT_SCHEME, 1, by_id=True) if each.name.endswith("mitochondria")]
    assert [each.title for each in own] == ["Distance to other mitochondria", "Contact with other mitochondria"]
    rows = summarise(images, own[0], Selection(1, whole_only=False))
    assert (rows[0].objects, rows[0].mean, str(rows[0].counted_by)) == (3, pytest.approx(100 / 3), "ids")
    assert len(rows[1].values) == 0
    assert images_frame(rows, own[0], physical=True)["counted_by"].tolist() == ["ids", "pieces"]
    assert told_apart(images, 1)
    assert not told_apart(images, 3)
