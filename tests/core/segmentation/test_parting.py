"""Outputs beside the classes: nobody sees them in labels or confidence, and the same in blocks as at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import softmax

from core.errors import ModelError
from core.imaging.image import Image
from core.models.store import StoredModel, open_model
from core.models.weights import load_weights, save_weights
from core.segmentation.array_sink import ArraySink
from core.segmentation.parting import LEVELS, PARTING_LOGIT, PartingRows, merged, parting_of
from core.segmentation.predictor import Predictor
from core.segmentation.stitching import classify


@pytest.fixture(scope="module")
def parting_model(tiny_model: StoredModel, tmp_path_factory: pytest.TempPathFactory) -> StoredModel:
    """The tiny model, its last output taken for what parts the objects of class 2."""
    folder = tmp_path_factory.mktemp("parting") / "model"
    folder.mkdir()
    for entry in tiny_model.path.iterdir():
        (folder / entry.name).write_bytes(entry.read_bytes())
    weights = load_weights(folder / "fold_0.safetensors")
    for name, value in weights.items():
        if ".seg_layers." in name and name.endswith(".bias"):
            value[4] += 4.0  # so that it wins somewhere
    save_weights(folder / "fold_0.safetensors", weights)
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    card["scheme"] = [item for item in card["scheme"] if item["id"] != 4]
    card["output_ids"] = [0, 1, 2, 3, 2]
    card["separation"] = {"way": "seams", "class_ids": [2], "pairs": {"2": 7}}
    (folder / "card.json").write_text(json.dumps(card), encoding="utf-8")
    return open_model(folder)


def _scores(model: StoredModel, pixels: NDArray[Any]) -> NDArray[np.float32]:
    import torch

    from core.models.weights import load_network

    normal = ((pixels - pixels.mean()) / pixels.std()).astype(np.float32)
    with torch.no_grad():
        scores: NDArray[np.float32] = load_network(model, "0")(torch.from_numpy(normal[None, None]))[0].numpy()
    return scores


@pytest.mark.filterwarnings("ignore")  # of torch
def test_a_class_has_the_probability_of_both_its_outputs(parting_model: StoredModel, section: NDArray[Any]) -> None:
    pixels = section[100:164, 200:264]
    probability = softmax(_scores(parting_model, pixels), axis=0)
    parting = np.log(probability[4]) - np.log(probability[2]) > PARTING_LOGIT
    probability = probability[:4] + np.stack(
        [np.zeros_like(parting), np.zeros_like(parting), probability[4], parting * 0]
    )
    sink, taken = ArraySink((64, 64)), []
    Predictor(parting_model, backend="torch", precision="exact", threads=2).predict(
        Image(np.ascontiguousarray(pixels)), sink, folds=[0], take_parting=taken.append
    )
    expected = probability.argmax(axis=0)
    assert (sink.labels_yx == expected).mean() > 0.999
    assert np.abs(sink.confidence_yx - 255 * probability.max(axis=0)).max() < 2
    np.testing.assert_array_equal(taken[0].whole() & (sink.labels_yx != 2), False)
    assert (taken[0].whole() == (parting & (expected == 2))).mean() > 0.999
    assert taken[0].any() and (expected == 2).any()


@pytest.mark.filterwarnings("ignore")
def test_a_model_without_such_outputs_gives_none(tiny_model: StoredModel, section: NDArray[Any]) -> None:
    taken: list[PartingRows] = []
    Predictor(tiny_model, backend="torch", precision="exact", threads=2).predict(
        Image(section[:70, :70].copy()), ArraySink((70, 70)), folds=[0], take_parting=taken.append
    )
    assert not taken


@pytest.mark.filterwarnings("ignore")
def test_at_another_pixel_size_and_beside_black(parting_model: StoredModel, section: NDArray[Any]) -> None:
    pixels = np.zeros((90, 121), section.dtype)
    pixels[13:80, 5:99] = section[:67, :94]
    sink, taken = ArraySink((90, 121)), []
    Predictor(parting_model, backend="torch", precision="exact", threads=2).predict(
        Image(pixels), sink, folds=[0], pixel_size_nm=(parting_model.pixel_size_nm or 8) * 0.7,
        take_parting=taken.append,
    )  # fmt: skip
    parting = taken[0].whole()
    assert parting.shape == (90, 121)
    assert not parting[sink.labels_yx != 2].any()
    assert not parting[:13].any() and not parting[:, :5].any() and not parting[80:].any()


def test_old_cards_have_no_separation_and_wrong_ones_are_refused(
    tiny_model: StoredModel, parting_model: StoredModel, tmp_path: Path
) -> None:
    assert not tiny_model.card.separation.learned
    assert parting_model.card.separation.pairs == {2: 7}
    card = json.loads((parting_model.path / "card.json").read_text(encoding="utf-8"))
    assert type(parting_model.card).from_json(parting_model.card.to_json()) == parting_model.card
    del card["separation"]
    with pytest.raises(ModelError, match="further outputs"):
        type(parting_model.card).from_json(card)


@given(seed=st.integers(0, 999), rows=st.integers(1, 40), columns=st.integers(1, 30), weighted=st.booleans())
def test_merging_is_the_sum_of_probabilities(seed: int, rows: int, columns: int, weighted: bool) -> None:
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 4, (6, rows, columns)).astype(np.float32)
    weights = rng.uniform(0.2, 3, (rows, columns)).astype(np.float32) if weighted else None
    scores = logits * (1 if weights is None else weights)
    expected = softmax(logits.astype(float), axis=0)
    both = np.stack([expected[0], expected[1] + expected[5], expected[2], expected[3] + expected[4]])
    kept, stronger = merged(scores, weights, ((3, 4), (1, 5)))
    labels, confidence = classify(kept, weights, np.array([0, 10, 20, 30], np.uint8))
    clear = np.sort(both, axis=0)[-1] - np.sort(both, axis=0)[-2] > 1e-4
    np.testing.assert_array_equal(labels[clear], (10 * both.argmax(axis=0))[clear])
    assert np.abs(confidence - 255 * both.max(axis=0)).max() < 1.01
    parting = parting_of(labels, stronger, (30, 10))
    gap = np.stack([logits[4] - logits[3], logits[5] - logits[1]])
    least = np.array(LEVELS)[:, None, None, None]
    reached = (gap > least).sum(axis=0)
    where = np.where(labels == 30, reached[0], np.where(labels == 10, reached[1], 0))
    near = (np.abs(gap - least) < 1e-3).any(axis=(0, 1))
    np.testing.assert_array_equal(parting[~near], where[~near])


@given(data=st.data(), rows=st.integers(1, 50), columns=st.integers(1, 40))
def test_the_same_in_blocks_as_at_once(data: st.DataObject, rows: int, columns: int) -> None:
    mask = np.random.default_rng(data.draw(st.integers(0, 99))).random((rows, columns)) < 0.3
    top, left = data.draw(st.integers(0, 9)), data.draw(st.integers(0, 9))
    whole = np.zeros((rows + top + 2, columns + left + 3), bool)
    whole[top : top + rows, left : left + columns] = mask
    kept = PartingRows(whole.shape, (top, left))
    done = 0
    while done < rows:
        count = data.draw(st.integers(1, rows - done))
        kept.push(mask[done : done + count])
        done += count
    np.testing.assert_array_equal(kept.whole(), whole)
    np.testing.assert_array_equal(kept[3:7], whole[3:7])


@given(seed=st.integers(0, 99), rows=st.integers(1, 20), columns=st.integers(1, 30))
def test_levels_are_kept_and_read_in_any_part(
    tmp_path_factory: pytest.TempPathFactory, seed: int, rows: int, columns: int
) -> None:
    levels = np.random.default_rng(seed).integers(0, 4, (rows, columns)).astype(np.uint8)
    kept = PartingRows((rows + 3, columns + 5), (2, 4))
    kept.push(levels)
    whole = np.zeros((rows + 3, columns + 5), np.uint8)
    whole[2 : rows + 2, 4 : columns + 4] = levels
    path = tmp_path_factory.mktemp("levels") / "parting.npz"
    kept.save(path)
    again = PartingRows.load(path)
    assert again is not None
    for part in (np.s_[:, :], np.s_[1:4, 3:9], np.s_[:, 4:5], np.s_[2:3, 7:]):
        np.testing.assert_array_equal(kept.levels(*part), whole[part])
        np.testing.assert_array_equal(again.levels(*part), whole[part])
    np.testing.assert_array_equal(kept[1:4], whole[1:4] >= 2)


def test_parting_pixels_of_earlier_versions_are_clear_ones(tmp_path: Path) -> None:
    bits = np.array([[0b10100000]], np.uint8)
    np.savez(tmp_path / "parting.npz", bits=bits, columns=5)
    kept = PartingRows.load(tmp_path / "parting.npz")
    assert kept is not None
    assert kept.levels(slice(None)).tolist() == [[3, 0, 3, 0, 0]]
