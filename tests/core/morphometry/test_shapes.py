"""Hulls, boundaries, lines, spread, figures of a class, grey values: by hand and beside independent tools."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from skimage.draw import ellipse
from skimage.measure import label, perimeter_crofton, regionprops

from core.label_scheme import DEFAULT_SCHEME, IGNORE_ID
from core.morphometry.class_figures import CLASS_FIGURES, class_figures
from core.morphometry.conditions import unit_figures
from core.morphometry.frames import images_frame, objects_frame
from core.morphometry.hulls import hulls
from core.morphometry.measures import MEASURES
from core.morphometry.objects import ObjectTable, measure_objects
from core.morphometry.spacing import LEAST_OBJECTS, evenness
from core.morphometry.structure import structure
from core.morphometry.summary import ImageObjects, Selection, overall_figure, selected, summarise

BY_NAME = {measure.name: measure for measure in MEASURES}
OF_CLASS = {figure.name: figure for figure in CLASS_FIGURES}


def blobs(seed: int = 0, size: int = 250) -> np.ndarray:
    """Pieces of one class, some at the edge."""
    rng = np.random.default_rng(seed)
    mask = np.zeros((size, size), np.uint8)
    for _ in range(25):
        rows, columns = ellipse(*rng.integers(0, size, 2), *rng.integers(3, 25, 2), shape=mask.shape,
                                rotation=rng.uniform(0, 3))  # fmt: skip
        mask[rows, columns] = 1
    return mask


def whole(labels: np.ndarray, nm: float | None = 1000.0, name: str = "a", specimen: str = "") -> ImageObjects:
    return ImageObjects(name, name, specimen, name, measure_objects(labels, DEFAULT_SCHEME, nm))


def test_hulls_hold_every_corner_and_no_direction_is_wider() -> None:
    pieces = label(blobs(), connectivity=2)
    found = hulls(pieces, pieces.max())
    angles = np.linspace(0, np.pi, 901)
    across = np.array([np.sin(angles), np.cos(angles)])
    for number, props in enumerate(regionprops(pieces)):
        corners = np.concatenate([props.coords + np.array(step) for step in ((0, 0), (0, 1), (1, 0), (1, 1))])
        widths = np.ptp(corners @ across, axis=0)
        assert found.feret_px[number] == pytest.approx(widths.max(), rel=1e-3)
        assert found.least_feret_px[number] == pytest.approx(widths.min(), rel=1e-2)
        assert found.hull_px[number] == pytest.approx(props.area_convex, rel=0.1)
        assert found.hull_px[number] >= props.area


def test_shapes_of_a_bar_by_hand() -> None:
    labels = np.zeros((20, 30), np.uint8)
    labels[5:9, 3:23] = 1
    table = measure_objects(labels, DEFAULT_SCHEME, 1000.0)
    of = {name: measure.of(table, physical=True)[0] for name, measure in BY_NAME.items()}
    assert of["feret"] == pytest.approx(math.hypot(20, 4))
    assert of["least_feret"] == pytest.approx(4)
    assert of["solidity"] == 1
    assert of["eccentricity"] == pytest.approx(math.sqrt(1 - (4 / 20) ** 2), abs=0.01)
    assert of["form_factor"] == pytest.approx(1 / of["circularity"])
    assert table.orientation[0] == pytest.approx(0)
    assert math.isnan(of["nearest_neighbour"])
    turned = measure_objects(np.ascontiguousarray(labels.T), DEFAULT_SCHEME, 1000.0)
    assert turned.orientation[0] == pytest.approx(90)


def test_orientation_is_against_the_clock_as_seen() -> None:
    labels = np.zeros((40, 40), np.uint8)
    for step in range(30):
        labels[35 - step, 5 + step] = labels[35 - step, 4 + step] = 1  # from the lower left to the upper right
    assert measure_objects(labels, DEFAULT_SCHEME, None).orientation[0] == pytest.approx(45, abs=2)


def test_a_bay_makes_an_object_less_solid() -> None:
    labels = np.zeros((20, 30), np.uint8)
    labels[5:15, 3:23] = 1
    labels[5:10, 8:18] = 0
    assert BY_NAME["solidity"].of(measure_objects(labels, DEFAULT_SCHEME, None), physical=False)[0] == 0.75


def test_the_boundary_inside_is_the_perimeter_without_edges_and_gaps() -> None:
    labels = np.zeros((40, 60), np.uint8)
    labels[10:20, 10:30] = 1
    inside = measure_objects(labels, DEFAULT_SCHEME, None)
    assert inside.boundary_px[0] == pytest.approx(perimeter_crofton(labels == 1, 4))
    assert inside.boundary_px[0] == pytest.approx(inside.perimeter_px[0])
    at_edge = np.zeros((40, 60), np.uint8)
    at_edge[:, 20:40] = 1
    two_sides = measure_objects(at_edge, DEFAULT_SCHEME, None).boundary_px[0]
    assert two_sides == pytest.approx(2 * 40, rel=0.08)
    beside_gap = at_edge.copy()
    beside_gap[:, 40:] = IGNORE_ID
    assert measure_objects(beside_gap, DEFAULT_SCHEME, None).boundary_px[0] == pytest.approx(two_sides / 2, rel=0.01)


def test_surface_density_of_stripes_is_right_at_any_angle() -> None:
    rows, columns = np.mgrid[:600, :600]
    found = []
    for angle in np.linspace(0, np.pi, 24, endpoint=False):
        labels = ((rows * np.cos(angle) + columns * np.sin(angle)) % 50 < 20).astype(np.uint8)
        found.append(_surface_density(labels))
    assert np.mean(found) == pytest.approx(4 / np.pi * 2 / 50, rel=0.01), "two sides every 50 px, in directions alike"


def _surface_density(labels: np.ndarray) -> float:
    table = measure_objects(labels, DEFAULT_SCHEME, 1000.0)
    return OF_CLASS["surface_density"].measured(table, table.class_id == 1, physical=True).value


def test_lines_have_their_length_at_any_angle_and_branches_are_counted() -> None:
    rows, columns = np.mgrid[:300, :300] - 150
    lengths = []
    for angle in np.linspace(0, np.pi, 18, endpoint=False):
        aside = np.abs(rows * np.cos(angle) - columns * np.sin(angle))
        along = np.abs(rows * np.sin(angle) + columns * np.cos(angle))
        lengths.append(
            measure_objects(((aside <= 1) & (along <= 100)).astype(np.uint8), DEFAULT_SCHEME, None).line_px[0]
        )
    assert np.mean(lengths) == pytest.approx(200, rel=0.02)
    cross = np.zeros((61, 61), np.uint8)
    cross[29:32, 5:56] = cross[5:56, 29:32] = 3
    table = measure_objects(cross, DEFAULT_SCHEME, 1000.0)
    assert (table.branch_points[0], table.end_points[0]) == (1, 4)
    cross[29:32, :] = 3
    assert measure_objects(cross, DEFAULT_SCHEME, 1000.0).end_points[0] == 2, "lines go on beyond the image's edge"


def test_objects_that_ids_tell_apart_are_thinned_apart() -> None:
    labels, pieces = np.zeros((2, 19, 50), np.uint8)
    labels[5:14, 5:45] = 1
    pieces[5:14, 5:25], pieces[5:14, 25:45] = 1, 2
    found = structure(labels, pieces, np.array([0, 1, 1], np.uint8), (1,))
    assert found.line_px == pytest.approx([11, 11], abs=4)
    alone = structure(labels, labels, np.array([0, 1], np.uint8), (1,))
    between = found.boundary_px.sum() - alone.boundary_px[0]
    assert between == pytest.approx(2 * 9, rel=0.2), "both sides of what lies between them"


def test_a_network_has_length_width_and_branches() -> None:
    labels = np.zeros((201, 201), np.uint8)
    labels[48:53, :] = labels[148:153, :] = labels[:, 98:103] = 3
    row = summarise([whole(labels)], BY_NAME["area"], Selection(3, whole_only=False))
    figures = {each.name: overall_figure(row, each).mean for each in class_figures(DEFAULT_SCHEME, 3)}
    assert figures["line_density"] == pytest.approx(3 * 201 / 201**2, rel=0.06)
    assert figures["line_width"] == pytest.approx(5, rel=0.06)
    assert figures["branch_density"] == pytest.approx(2 / (3 * 201), rel=0.08)
    assert figures["elongated"] == 100
    assert "nearest_neighbour_ratio" not in figures
    disc = np.zeros((60, 60), np.uint8)
    disc[ellipse(30, 30, 12, 12)] = 3
    row = summarise([whole(disc)], BY_NAME["area"], Selection(3, whole_only=False))
    assert overall_figure(row, OF_CLASS["elongated"]).mean == 0


def test_profiles_are_elongated_from_three_times_their_width_on() -> None:
    labels = np.zeros((60, 80), np.uint8)
    labels[5:9, 10:50] = 3  # a sheet cut across: 4 x 40 px
    labels[25:35, 10:30] = 3  # twice as long as wide: 10 x 20 px
    row = summarise([whole(labels)], BY_NAME["area"], Selection(3, whole_only=False))
    lines = row[0].image.table.line_px
    assert lines.min() > 0, "both have lines"
    assert overall_figure(row, OF_CLASS["elongated"]).mean == pytest.approx(100 * 160 / 360)


def test_points_at_random_are_1_rows_are_more_and_heaps_are_less() -> None:
    rng = np.random.default_rng(0)
    shape = (400, 700)
    thrown = [evenness(rng.uniform(0, 1, (30, 2)) * shape, shape) for _ in range(300)]
    assert np.mean(thrown) == pytest.approx(1, abs=0.02)
    lattice = np.stack(np.meshgrid(np.arange(6), np.arange(6)), -1).reshape(-1, 2) * 60 + 50.0
    assert evenness(lattice, (400, 400)) > 1.6
    heaps = rng.normal(0, 4, (40, 2)) + rng.choice([100.0, 300.0], (40, 1))
    assert evenness(heaps, (400, 400)) < 0.4
    assert math.isnan(evenness(lattice[: LEAST_OBJECTS - 1], (400, 400)))


def test_specks_are_no_neighbours() -> None:
    labels = np.zeros((60, 60), np.uint8)
    labels[5:10, 5:10] = labels[5:10, 45:50] = 1
    labels[7, 12] = 1
    table = measure_objects(labels, DEFAULT_SCHEME, 1000.0)
    every, large = Selection(1), Selection(1, least_um2=2.0)
    assert selected(BY_NAME["nearest_neighbour"], table, every).min() == 5
    assert selected(BY_NAME["nearest_neighbour"], table, large).tolist() == [40, 40]
    image = ImageObjects("a", "a", "", "a", table)
    frame = objects_frame([image], DEFAULT_SCHEME, physical=True, made_by="", selection=large)
    assert frame["nearest_neighbour_um"].tolist() == [40, 40]


def test_figures_of_a_class_are_ratios_of_sums_over_the_images_of_a_specimen() -> None:
    small, large = np.zeros((20, 20), np.uint8), np.zeros((40, 100), np.uint8)
    small[5:10, 5:10] = 1
    large[10:30, 20:80] = 1
    rows = summarise(
        [whole(small, name="a", specimen="m"), whole(large, name="b", specimen="m")], BY_NAME["area"],
        Selection(1, whole_only=False),
    )  # fmt: skip
    lengths = [row.image.table.boundary_px.sum() for row in rows]
    expected = 4 / np.pi * sum(lengths) / (20 * 20 + 40 * 100)
    (unit,) = unit_figures(rows, OF_CLASS["surface_density"])
    assert unit.mean == pytest.approx(expected)
    frame = images_frame(rows, BY_NAME["area"], physical=True, scheme=DEFAULT_SCHEME)
    assert frame["surface_density_per_um"].tolist() == pytest.approx(
        [4 / np.pi * lengths[0] / 400, 4 / np.pi * lengths[1] / 4000]
    )
    in_nm = summarise([whole(small, nm=500.0)], BY_NAME["area"], Selection(1, whole_only=False))
    assert overall_figure(in_nm, OF_CLASS["surface_density"]).mean == pytest.approx(
        2 * frame["surface_density_per_um"][0]
    )


def test_a_spread_is_not_said_where_labels_have_gaps() -> None:
    labels = np.zeros((100, 100), np.uint8)
    for row in range(5, 90, 20):
        for column in range(5, 90, 20):
            labels[row : row + 4, column : column + 4] = 1
    selection = Selection(1)
    rows = summarise([whole(labels)], BY_NAME["area"], selection)
    assert overall_figure(rows, OF_CLASS["nearest_neighbour_ratio"]).mean > 1.5
    labels[60:] = IGNORE_ID
    rows = summarise([whole(labels)], BY_NAME["area"], selection)
    assert math.isnan(overall_figure(rows, OF_CLASS["nearest_neighbour_ratio"]).mean)


def test_grey_values_are_those_of_the_image() -> None:
    rng = np.random.default_rng(1)
    mask = blobs(3)
    pixels = rng.integers(0, 4096, mask.shape).astype(np.uint16)
    table = measure_objects(mask, DEFAULT_SCHEME, None, grey_of=pixels.__getitem__)
    props = regionprops(label(mask, connectivity=2), intensity_image=pixels)
    assert table.grey_mean == pytest.approx([each.intensity_mean for each in props])
    assert table.grey_sd == pytest.approx([each.intensity_std for each in props])
    assert np.isnan(measure_objects(mask, DEFAULT_SCHEME, None).grey_mean).all()


def test_all_of_it_is_kept_in_the_file(tmp_path: Path) -> None:
    table = measure_objects(blobs(), DEFAULT_SCHEME, 8.0)
    path = tmp_path / "objects.npz"
    table.save(path)
    again = ObjectTable.load(path)
    assert again is not None
    assert np.array_equal(again.hull_px, table.hull_px)
    assert np.array_equal(again.line_px, table.line_px)
