"""Statistics of a model's own images recognise them again, and nothing else."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from numpy.typing import NDArray

from core.familiarity.alterations import ALTERATIONS, altered
from core.familiarity.features import (
    IMAGE_FEATURES,
    LEAST_WINDOW_PX,
    OUTPUT_FEATURES,
    image_features,
    output_features,
    window_starts,
)
from core.familiarity.looks import KnownLooks, SampledImage
from core.familiarity.verdict import Level, Verdict, judged
from core.models.card import ModelCard

SIDE = 64


def _grey(seed: int, *, wave: float = 9.0) -> NDArray[np.float32]:
    """Dark spots on a light ground, with noise."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:128, :128] + rng.uniform(0, 20, 2)[:, None, None]
    spots = np.sin(rows * 2 * np.pi / wave) * np.sin(columns * 2 * np.pi / wave)
    return (-(np.maximum(spots, 0) ** 2) * rng.uniform(0.9, 1.1) + rng.normal(0, 0.1, rows.shape)).astype(np.float32)


def _scores(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """A network that takes dark for its class."""
    return np.stack([10 * image + 4, -10 * image - 4])


def _features(image: NDArray[np.float32]) -> NDArray[np.float64]:
    image = (image - image.mean()) / image.std()
    parts = [image[row : row + SIDE, column : column + SIDE] for row in (0, 64) for column in (0, 64)]
    return np.array([np.concatenate([image_features(part), output_features(_scores(part))]) for part in parts])


@pytest.fixture(scope="module")
def looks() -> KnownLooks:
    own = [SampledImage(_features(_grey(seed)), held_out=seed < 3) for seed in range(8)]
    return KnownLooks.learned(own, [_features(altered(_grey(30), name)) for name in ALTERATIONS])


def test_new_images_of_the_kind_are_known_and_altered_ones_are_not(looks: KnownLooks) -> None:
    levels = [judged(looks, _features(_grey(seed)), ["spots"]).level for seed in range(50, 60)]
    assert Level.UNSEEN not in levels
    assert levels.count(Level.LIKE) >= 8
    for name in ALTERATIONS:
        assert judged(looks, _features(altered(_grey(70), name, seed=5)), ["spots"]).distrusted, name
    assert judged(looks, _features(_grey(71, wave=23)), ["spots"]).distrusted


def test_reasons_name_what_is_unusual(looks: KnownLooks) -> None:
    inverted = judged(looks, _features(altered(_grey(70), "inverted")), ["spots"])
    assert any("grey values are distributed differently (more pixels stand out lighter" in r for r in inverted.reasons)
    assert any(reason.startswith("spots covers") for reason in inverted.reasons)
    assert any("detail is coarser" in reason for reason in judged(looks, _features(_grey(1, wave=40)), ["s"]).reasons)


def test_unsure_networks_are_reported_in_per_cent(looks: KnownLooks) -> None:
    features = _features(_grey(70))
    features[:, len(IMAGE_FEATURES) + OUTPUT_FEATURES.index("unsure")] = 0.61
    usual = looks.mean[len(IMAGE_FEATURES) + OUTPUT_FEATURES.index("unsure")]
    text = judged(looks, features, ["spots"]).sentence
    assert f"unsure on 61 % of the image, {100 * usual:.0f} % is usual" in text


def test_error_rates_are_those_of_the_scores(looks: KnownLooks) -> None:
    assert looks.altered_missed == np.mean([score < looks.unseen for score in looks.altered_scores])
    assert looks.own_flagged == np.mean([score >= looks.unseen for score in looks.own_scores])
    assert (looks.images, looks.held_out, len(looks.own_scores)) == (8, 3, 8)
    verdict = judged(looks, _features(_grey(70)), ["spots"])
    assert f"of {len(looks.altered_scores)} altered images" in verdict.error_sentence


def test_one_image_is_enough_for_a_threshold() -> None:
    looks = KnownLooks.learned([SampledImage(_features(_grey(0)))], [])
    assert judged(looks, _features(_grey(1)), ["spots"]).level is not Level.UNSEEN
    assert judged(looks, _features(altered(_grey(1), "inverted")), ["spots"]).distrusted


def test_nothing_known_gives_no_verdict(looks: KnownLooks) -> None:
    assert not KnownLooks.learned([], []).known
    assert judged(KnownLooks(), _features(_grey(0)), ["spots"]) == Verdict()
    assert judged(looks, np.empty((0, 0)), ["spots"]).level is Level.UNKNOWN
    assert Verdict.from_json(None).level is Verdict.from_json({"level": "of a newer version"}).level is Level.UNKNOWN


def test_statistics_survive_the_card_and_are_small(looks: KnownLooks, starter_card: ModelCard) -> None:
    import dataclasses

    text = json.dumps(dataclasses.replace(starter_card, looks=looks).to_json(), allow_nan=False)
    again = ModelCard.from_json(json.loads(text)).looks
    assert again == looks
    assert again.score(_features(_grey(5))) == pytest.approx(looks.score(_features(_grey(5))))
    assert len(json.dumps(dataclasses.asdict(looks))) < 8000


@pytest.fixture
def starter_card() -> ModelCard:
    from core.label_scheme import DEFAULT_SCHEME

    return ModelCard("m", "M", DEFAULT_SCHEME, (0, *DEFAULT_SCHEME.ids))


def test_verdicts_survive_json(looks: KnownLooks) -> None:
    verdict = judged(looks, _features(altered(_grey(70), "inverted")), ["spots"])
    assert Verdict.from_json(json.loads(json.dumps(verdict.to_json(), allow_nan=False))) == verdict


@pytest.mark.parametrize("image", [np.zeros((128, 128)), np.full((48, 200), 7.0)], ids=["zero", "flat"])
def test_flat_windows_have_finite_features(image: NDArray[np.float64]) -> None:
    assert np.isfinite(image_features(image.astype(np.float32))).all()


def test_output_features_of_a_sure_and_of_an_undecided_network() -> None:
    sure = output_features(np.stack([np.full((64, 64), 30.0), np.zeros((64, 64))]).astype(np.float32))
    torn = output_features(np.zeros((2, 64, 64), np.float32))
    assert sure[:2] == pytest.approx([1.0, 0.0])
    assert torn[:2] == pytest.approx([0.5, 1.0])
    assert sure[5:] == pytest.approx([1.0, 0.0])


@pytest.mark.parametrize(("length", "side", "count"), [(4096, 128, 4), (300, 128, 3), (250, 128, 2), (100, 100, 1)])
def test_windows_lie_inside_and_are_few(length: int, side: int, count: int) -> None:
    found, starts = window_starts(length)
    assert (found, len(starts)) == (side, count)
    assert min(starts) == 0 and max(starts) == length - side


def test_an_image_below_the_least_window_is_told_by_its_side() -> None:
    assert window_starts(LEAST_WINDOW_PX - 1)[0] < LEAST_WINDOW_PX


def test_nan_is_never_written() -> None:
    assert math.isnan(KnownLooks().own_flagged)
    verdict = judged(KnownLooks.learned([SampledImage(_features(_grey(0)))], []), _features(_grey(1)), ["spots"])
    assert verdict.altered_missed is None
