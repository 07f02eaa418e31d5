"""What a training has told, read back: whole, torn, repeated, and after its work folder has gone."""

from __future__ import annotations

import shutil
from pathlib import Path

import imagecodecs
import numpy as np
import pytest

from core.learning.progress import EPOCHS_FILE, TrainingRecord, training_history
from core.learning.start import training_folder
from core.store import Store
from core.training.preview import PREVIEW_FOLDER, PreviewCrop, write_preview
from core.training.request import EpochReport

JOB = "a" * 32


def epoch(number: int, loss: float = 1.0) -> EpochReport:
    return EpochReport(number, 2 * number, loss, 0.5, {"axon": 0.25, "myelin": None}, 0.25, 0.01, 1.0, 0.5)


@pytest.fixture
def record(store: Store) -> TrainingRecord:
    made = TrainingRecord(training_folder(store, JOB))
    made.begin()
    return made


def test_nothing_was_told_yet(store: Store) -> None:
    history = training_history(store, JOB)
    assert (history.epochs, history.notices, history.preview, history.class_names) == ((), (), None, ())


def test_a_repeated_epoch_replaces_what_came_after_the_checkpoint(store: Store, record: TrainingRecord) -> None:
    for report in (epoch(1), epoch(2), epoch(3, 3.0), epoch(2, 2.5)):
        record.add_epoch(report)
    history = training_history(store, JOB)
    assert history.epochs == (epoch(1), epoch(2, 2.5))
    assert history.class_names == ("axon", "myelin")


@pytest.mark.parametrize("torn", ['{"epoch": 2, "itera', "\x00\x00", '{"epoch": 2, "of": "another version"}', "[1]"])
def test_a_torn_line_costs_only_itself(store: Store, record: TrainingRecord, torn: str) -> None:
    record.add_epoch(epoch(1))
    with (training_folder(store, JOB) / EPOCHS_FILE).open("a") as handle:
        handle.write(torn)
    assert training_history(store, JOB).epochs == (epoch(1),)
    record.add_epoch(epoch(2))
    assert training_history(store, JOB).epochs == (epoch(1), epoch(2))


def test_each_notice_is_told_once_over_all_attempts(store: Store, record: TrainingRecord) -> None:
    assert record.add_notice("Nothing is held out.")
    assert not record.add_notice("Nothing is held out.")
    second = TrainingRecord(training_folder(store, JOB))
    second.begin()
    assert not second.add_notice("Nothing is held out.")
    assert second.add_notice("Resumed after epoch 1.")
    assert training_history(store, JOB).notices == ("Nothing is held out.", "Resumed after epoch 1.")


def test_the_newest_picture_outlives_the_work_folder(store: Store, record: TrainingRecord, tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    record.keep_preview(work)
    assert training_history(store, JOB).preview is None
    image = np.linspace(-1, 1, 16, dtype=np.float32).reshape(4, 4)
    reference = np.array([[0, 1, 2, 255]] * 4, np.uint8)
    for number in (1, 2):
        write_preview(work, PreviewCrop(image, reference, np.full((4, 4), number, np.uint8)), number)
        record.keep_preview(work)
    shutil.rmtree(work)
    preview = training_history(store, JOB).preview
    assert preview is not None
    assert preview.epoch == 2
    assert np.array_equal(imagecodecs.png_decode(preview.reference_path.read_bytes()), reference)
    assert np.array_equal(imagecodecs.png_decode(preview.prediction_path.read_bytes()), np.full((4, 4), 2))
    shown = imagecodecs.png_decode(preview.image_path.read_bytes())
    assert (shown.dtype, shown.min(), shown.max()) == (np.uint8, 0, 255)
    assert len(list((training_folder(store, JOB) / PREVIEW_FOLDER).iterdir())) == 3


def test_a_training_that_starts_again_forgets_what_was_thrown_away(store: Store, record: TrainingRecord) -> None:
    """After a cancelled training its old curve stood there until the new one had its first epoch."""
    record.add_epoch(epoch(7))
    record.add_notice("Nothing is held out.")
    record.begin()
    assert training_history(store, JOB).epochs == (epoch(7),)
    record.begin(anew=True)
    history = training_history(store, JOB)
    assert (history.epochs, history.notices) == ((), ())
    assert record.add_notice("Nothing is held out.")
