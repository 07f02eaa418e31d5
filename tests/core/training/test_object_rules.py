"""Which part of a reference is held against a prediction when a model's object rules are chosen."""

from __future__ import annotations

import numpy as np

from core.imaging.image import Image, PixelSize
from core.label_scheme import LabelClass, LabelScheme
from core.objects.rules import AreaUnit, ObjectRule, ObjectRules, RuleSource
from core.training.object_choice import Prediction, choose_rules
from core.training.object_rules import _held_out_part, with_inherited


def test_only_the_strip_that_was_held_out_counts() -> None:
    pixels_yx = np.zeros((50, 60), np.uint8)
    pixels_yx[10:50, 20:60] = 9  # what nnU-Net looks at begins at the first pixel other than 0
    reference_yx = np.ones((50, 60), np.uint8)
    strip_yx = np.zeros((20, 20), bool)  # trained at half of the size
    strip_yx[15:] = True
    kept_yx = _held_out_part(reference_yx, Image(pixels_yx, PixelSize(), "a"), strip_yx)
    expected_yx = np.full((50, 60), 255, np.uint8)
    expected_yx[40:50, 20:60] = 1
    assert kept_yx.tolist() == expected_yx.tolist()


def test_classes_without_labels_keep_the_rule_of_the_parent() -> None:
    own = ObjectRules((ObjectRule(class_id=1, smallest=0.5),))
    parent = ObjectRules((ObjectRule(class_id=1, smallest=9.0), ObjectRule(class_id=2, smallest=0.2)))
    both = with_inherited(own, parent)
    assert [(rule.class_id, rule.smallest) for rule in both.rules] == [(1, 0.5), (2, 0.2)]
    in_pixels = ObjectRules((ObjectRule(class_id=2, smallest=30.0),), AreaUnit.PX)
    assert with_inherited(own, in_pixels) == own
    assert with_inherited(ObjectRules(), in_pixels) == in_pixels


def test_specks_of_a_class_that_no_reference_shows_are_cleaned_away_without_an_error() -> None:
    """At the size learned from the labels nothing of the class is left; at smaller sizes something is."""
    scheme = LabelScheme((LabelClass(1, "granule", "#ff0000", "#ff0000"),))
    rules = ObjectRules((ObjectRule(class_id=1, smallest=100.0, smallest_cut=100.0),), AreaUnit.PX)
    prediction_yx = np.zeros((60, 60), np.uint8)
    prediction_yx[20:28, 20:28] = 1  # 64 pixels
    predicted = Prediction(np.zeros((60, 60), np.uint8), prediction_yx, None)
    assert choose_rules(rules, [predicted], scheme) == rules

    shown_yx = np.zeros((60, 60), np.uint8)
    for top in range(0, 60, 10):
        shown_yx[top : top + 8, 20:28] = 1  # 6 objects that are smaller than what the labels taught
    (chosen,) = choose_rules(rules, [predicted, Prediction(shown_yx, shown_yx, None)], scheme).rules
    assert (chosen.smallest, chosen.source) == (50.0, RuleSource.VALIDATION)
