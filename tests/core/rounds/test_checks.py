"""What is said before a training: worked out by hand on 16 x 16 label maps."""

from __future__ import annotations

import numpy as np
import pytest

from core.datasets.leakage import straddling
from core.label_scheme import LabelScheme
from core.learning.checks import TrainingCheck, check_training
from core.store import RevisionKind, Store
from core.store.records import ImageRecord, ProjectRecord, Split
from tests.core.rounds.conftest import SCHEME, add, label, some_labels


def grey(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (16, 16), dtype=np.uint8)


def look(store: Store, project: ProjectRecord, chosen: list[ImageRecord], parent: LabelScheme | None = None) -> TrainingCheck:  # fmt: skip  # noqa: E501
    references = store.revisions.newest_of_project(project.id, RevisionKind.REFERENCE)
    return check_training(chosen, store.images.all(project.id), references, SCHEME, parent_scheme=parent)


def test_balance_counts_pixels_and_images(store: Store, project: ProjectRecord) -> None:
    one, two = add(store, project, "a", grey(1)), add(store, project, "b", grey(2))
    label(store, one, some_labels())
    label(store, two, np.where(some_labels() == 7, 0, some_labels()).astype(np.uint8))
    check = look(store, project, [one, two])
    axon, myelin = check.balance
    assert (axon.pixels, axon.images) == (64, 2)
    assert (myelin.pixels, myelin.images) == (16, 1)
    assert (check.labelled_px, check.ignored_px) == (2 * 192, 2 * 64)
    assert axon.fraction == pytest.approx(64 / 384)
    assert check.refusals == ()
    assert any("Only 16 px of myelin in 1 image:" in text for text in check.warnings)


def test_a_class_that_is_not_there_is_named(store: Store, project: ProjectRecord) -> None:
    image = add(store, project, "a", grey(1))
    label(store, image, np.full((16, 16), 3, np.uint8))
    check = look(store, project, [image])
    assert any("never find: myelin." in text for text in check.warnings)


def test_a_class_that_the_parent_knows_may_fade_and_is_not_said_to_be_never_found(
    store: Store, project: ProjectRecord
) -> None:
    image = add(store, project, "a", grey(1))
    label(store, image, np.full((16, 16), 3, np.uint8))
    told = " ".join(look(store, project, [image], SCHEME).warnings)
    assert "Not in these images: myelin." in told
    assert "not trained further and may degrade" in told
    assert "never find" not in told
    strange = LabelScheme.from_names({"axon": 3, "glia": 7})
    assert "never find: myelin" in " ".join(look(store, project, [image], strange).warnings), "outputs start anew"


def test_stacks_and_specimens_shared_with_the_test_set(store: Store, project: ProjectRecord) -> None:
    chosen = add(store, project, "a", grey(1), stack="s1", specimen="m1")
    add(store, project, "b", grey(2), stack="s1", specimen="m2", split=Split.TEST)
    add(store, project, "c", grey(3), specimen="m1", split=Split.TEST)
    label(store, chosen, some_labels())
    told = " ".join(look(store, project, [chosen]).warnings)
    assert "stack 's1'" in told
    assert "specimen 'm1'" in told
    assert "'m2'" not in told
    assert len(straddling(store.images.all(project.id))) == 2


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        pytest.param((8.0, 12.1), "from 8 to 12.1 nm", id="more than 1.5"),
        pytest.param((8.0, 12.0), "", id="just 1.5"),
        pytest.param((8.0, None), "pixel size of 1 of 2 images is unknown", id="one unknown"),
        pytest.param((None, None), "All pixel sizes are unknown", id="none known"),
    ],
)
def test_pixel_sizes(store: Store, project: ProjectRecord, sizes: tuple[float | None, ...], words: str) -> None:
    images = [add(store, project, str(seed), grey(seed), nm=nm) for seed, nm in enumerate(sizes)]
    for image in images:
        label(store, image, some_labels())
    told = [text for text in look(store, project, images).warnings if "ixel size" in text]
    assert any(words in text for text in told) if words else told == []


def test_refusals(store: Store, project: ProjectRecord) -> None:
    test = add(store, project, "frozen", grey(1), split=Split.TEST)
    bare = add(store, project, "bare", grey(2))
    empty = add(store, project, "empty", grey(3))
    label(store, test, some_labels())
    label(store, empty, np.zeros((16, 16), np.uint8))
    assert "No images selected" in look(store, project, []).refusals[0].cause
    first, second = map(str, look(store, project, [test, bare]).refusals)
    assert first.startswith("frozen is in the test set")
    assert second.startswith("bare is without reference labels")
    assert "contain no classes" in look(store, project, [empty]).refusals[0].cause


def test_a_parent_of_other_classes(store: Store, project: ProjectRecord) -> None:
    image = add(store, project, "a", grey(1))
    label(store, image, some_labels())
    assert not any("others" in text for text in look(store, project, [image], SCHEME).warnings)
    other = LabelScheme.from_names({"nucleus": 1})
    assert any("re-initialised" in text for text in look(store, project, [image], other).warnings)
