"""What labels teach about objects, on drawn label maps whose right answer is known."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Picture

from core.label_scheme import LabelScheme
from core.objects.learning import LabelledImage, learn_rules, smallest_area
from core.objects.rules import AreaUnit, ObjectRule, ObjectRules, RuleSource
from core.training.object_choice import Prediction, choose_rules

SCHEME = LabelScheme.from_names({"mitochondria": 1, "membrane": 2})


def squares(edges_px: Sequence[int], size_px: int = 300, class_id: int = 1) -> NDArray[np.uint8]:
    """Squares of these edges in a grid, none at the edge of the map."""
    labels_yx = np.zeros((size_px, size_px), np.uint8)
    step = max(edges_px) + 4
    per_row = (size_px - 4) // step
    for number, edge in enumerate(edges_px):
        row, column = (4 + step * part for part in divmod(number, per_row))
        labels_yx[row : row + edge, column : column + edge] = class_id
    return labels_yx


def test_stray_pixels_do_not_make_the_smallest_object() -> None:
    labels_yx = squares([20] * 100)
    labels_yx[2, 6:290:6] = 1
    rule = learn_rules([LabelledImage(labels_yx, 10.0)], (1, 2)).of(1)
    # 100 objects of 400 px; the more there are, the closer the rule comes to the smallest
    assert rule.smallest == pytest.approx(400 * 100e-6 * 100 / 110)
    assert (rule.objects, rule.thin, rule.source) == (100, False, RuleSource.LABELS)


def test_few_objects_make_a_cautious_rule() -> None:
    few = learn_rules([LabelledImage(squares([20, 20, 20]), None)], (1,)).of(1)
    assert few.smallest == pytest.approx(400 * 3 / 13)


def test_areas_are_in_pixels_where_a_pixel_size_is_unknown() -> None:
    images = [LabelledImage(squares([20] * 10), 10.0), LabelledImage(squares([20] * 10), None)]
    assert learn_rules(images, (1,)).unit is AreaUnit.PX


def test_the_same_tissue_at_two_pixel_sizes_gives_the_same_rule() -> None:
    fine = squares([40] * 20, 600)
    coarse = fine[::2, ::2]
    one, other = (learn_rules([LabelledImage(item, nm)], (1,)).of(1) for item, nm in ((fine, 5.0), (coarse, 10.0)))
    assert other.smallest == pytest.approx(one.smallest)


def test_pieces_that_the_edge_or_unlabelled_pixels_cut_do_not_count() -> None:
    labels_yx = squares([20] * 50)
    labels_yx[0, 10:290:40] = 1
    labels_yx[290:, :] = 255
    labels_yx[289, 10:290:40] = 1
    rule = learn_rules([LabelledImage(labels_yx, None)], (1,)).of(1)
    assert rule.smallest == pytest.approx(400 * 50 / 60)
    assert rule.smallest_cut < 10


def test_holes_that_belong_to_a_class_are_not_filled() -> None:
    labels_yx = squares([30] * 30)
    with_holes = labels_yx.copy()
    for row in range(4, 180, 34):
        with_holes[row + 10 : row + 18, 4 + 10 : 290 : 34] *= 0
    plain = learn_rules([LabelledImage(labels_yx, None)], (1,)).of(1)
    rings = learn_rules([LabelledImage(with_holes, None)], (1,)).of(1)
    assert plain.largest_hole == plain.smallest
    assert rings.largest_hole < plain.largest_hole


def test_a_net_is_thin_by_its_shape() -> None:
    net_yx = np.zeros((300, 300), np.uint8)
    net_yx[::30] = net_yx[:, ::30] = 2
    net_yx[1::30] = 2
    rules = learn_rules([LabelledImage(net_yx, None), LabelledImage(squares([20] * 20), None)], (1, 2))
    assert rules.of(2).thin
    assert not rules.of(1).thin
    assert rules.of(2).smallest < 50  # a speck as wide as long; pieces of a broken net stay


def test_one_image_whose_objects_are_smaller_lowers_the_rule() -> None:
    large, small = squares([40] * 25, 600), squares([12] * 25)
    rule = learn_rules([LabelledImage(large, None), LabelledImage(small, None)], (1,)).of(1)
    assert rule.smallest <= 144


def test_smallest_area_leaves_out_a_hundredth_of_the_area() -> None:
    areas = np.array([1.0] * 10 + [100.0] * 20)
    assert smallest_area(areas) == 100.0
    assert smallest_area(np.array([1.0] * 30 + [100.0] * 20)) == 1.0
    assert smallest_area(np.zeros(0)) == 0.0


def test_a_size_is_chosen_that_serves_the_objects_of_a_prediction() -> None:
    reference_yx = squares([20] * 50)
    prediction_yx = reference_yx.copy()
    prediction_yx[290:296, 5:290:10] = 1  # specks of 6 x 1 px
    learned = ObjectRules((ObjectRule(class_id=1, smallest=20.0, source=RuleSource.LABELS),), AreaUnit.PX)
    chosen = choose_rules(learned, [Prediction(reference_yx, prediction_yx, None)], SCHEME).of(1)
    assert (chosen.smallest, chosen.source) == (20.0, RuleSource.VALIDATION)
    too_large = ObjectRules((ObjectRule(class_id=1, smallest=1000.0),), AreaUnit.PX)
    assert choose_rules(too_large, [Prediction(reference_yx, prediction_yx, None)], SCHEME).of(1).smallest == 250.0
    too_small = ObjectRules((ObjectRule(class_id=1, smallest=3.0, source=RuleSource.LABELS),), AreaUnit.PX)
    chosen = choose_rules(too_small, [Prediction(reference_yx, prediction_yx, None)], SCHEME).of(1)
    assert chosen.smallest <= 3.0  # larger would be better here, but the labels have objects of that size


def test_too_few_objects_choose_nothing() -> None:
    learned = ObjectRules((ObjectRule(class_id=1, smallest=20.0, source=RuleSource.LABELS),), AreaUnit.PX)
    maps = squares([20] * 4)
    assert choose_rules(learned, [Prediction(maps, maps, None)], SCHEME) == learned


def test_sections_of_a_nerve_cord_teach_the_size_of_mitochondria(shared_data: Path) -> None:
    paths = sorted((shared_data / "vnc" / "labels").iterdir())[:12]
    images = [LabelledImage(np.asarray(Picture.open(path), np.uint8), 4.6) for path in paths]
    rules = learn_rules(images, (1, 2, 3, 4))
    pixels = {class_id: rules.of(class_id).smallest * 1e6 / 4.6**2 for class_id in (1, 2, 3, 4)}
    assert 400 < pixels[3] < 700  # of mitochondria, whose twentieth part has fewer than 611 px
    assert 100 < pixels[4] < 250
    assert pixels[2] < 50
    assert [rules.of(class_id).thin for class_id in (1, 2, 3, 4)] == [True, True, False, False]
