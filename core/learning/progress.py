"""What a training has told so far, kept in files: learning curves, notices, the newest picture. No torch."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from core.files import explained_os_errors, write_bytes
from core.learning.snapshot import Snapshot
from core.learning.start import training_folder
from core.review.double_annotation import hidden_revisions
from core.store.store import Store
from core.training.preview import IMAGE_FILE, PREDICTIONS, PREVIEW_FOLDER, REFERENCE_FILE
from core.training.request import EpochReport

EPOCHS_FILE: Final = "epochs.jsonl"
NOTICES_FILE: Final = "notices.jsonl"


@dataclass(frozen=True, slots=True)
class Preview:
    """One fixed crop of the validation images and what the model makes of it.

    Parameters
    ----------
    image_path
        PNG, grey, uint8.
    reference_path, prediction_path
        PNG, uint8: 0 background, k the k-th class of the project's scheme, 255 ignore.
    epoch
        Of the prediction.
    """

    image_path: Path
    reference_path: Path
    prediction_path: Path
    epoch: int


@dataclass(frozen=True, slots=True)
class TrainingHistory:
    """What is known of a training.

    Parameters
    ----------
    epochs
        In order, each number once.
    """

    epochs: tuple[EpochReport, ...]
    notices: tuple[str, ...]
    preview: Preview | None

    @property
    def class_names(self) -> tuple[str, ...]:
        """Classes of which a Dice is reported."""
        return tuple(self.epochs[-1].dice) if self.epochs else ()


class TrainingRecord:
    """Keeps what a training tells; used by the job that trains.

    Parameters
    ----------
    folder
        `core.learning.start.training_folder` of the job.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._notices: set[str] = set()

    def begin(self, *, anew: bool = False) -> None:
        """Make the folder; what an earlier attempt told stays, unless its work was thrown away.

        Raises
        ------
        StorageFullError
            It cannot be written.
        """
        with explained_os_errors(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
            if anew:
                shutil.rmtree(self._folder / PREVIEW_FOLDER, ignore_errors=True)
                for name in (EPOCHS_FILE, NOTICES_FILE):
                    (self._folder / name).unlink(missing_ok=True)
        self._notices = {str(line.get("text", "")) for line in _lines(self._folder / NOTICES_FILE)}

    def keep_preview(self, work: Path) -> None:
        """Copy the newest pictures out of the training's work folder, which goes when the training ends."""
        source, target = work / PREVIEW_FOLDER, self._folder / PREVIEW_FOLDER
        predictions = sorted(source.glob(PREDICTIONS))
        if not predictions:
            return
        newest = predictions[-1].name
        for name in (IMAGE_FILE, REFERENCE_FILE, newest):
            try:
                write_bytes(target / name, (source / name).read_bytes())
            except FileNotFoundError:  # the training has just replaced it by a newer one
                return
        for old in target.glob(PREDICTIONS):
            if old.name != newest:
                old.unlink(missing_ok=True)

    def add_epoch(self, report: EpochReport) -> None:
        """An epoch has ended; one that is repeated after an interruption replaces the earlier."""
        self._append(EPOCHS_FILE, asdict(report))

    def add_notice(self, text: str) -> bool:
        """Something that the user should know; False when it was told before."""
        if text in self._notices:
            return False
        self._notices.add(text)
        self._append(NOTICES_FILE, {"text": text})
        return True

    def _append(self, name: str, value: dict[str, Any]) -> None:
        path = self._folder / name
        with explained_os_errors(path), path.open("a", encoding="utf-8") as handle:
            handle.write("\n" * _is_torn(path) + json.dumps(value) + "\n")


def training_history(store: Store, job_id: str) -> TrainingHistory:
    """What a training has told so far; empty where it has not begun."""
    folder = training_folder(store, job_id)
    epochs: dict[int, EpochReport] = {}
    for line in _lines(folder / EPOCHS_FILE):
        try:
            report = EpochReport(**line)
        except TypeError:  # written by another version
            continue
        epochs = {number: kept for number, kept in epochs.items() if number < report.epoch}
        epochs[report.epoch] = report
    notices = tuple(str(line.get("text", "")) for line in _lines(folder / NOTICES_FILE))
    return TrainingHistory(tuple(epochs.values()), notices, _preview(folder))


def hides_labels(store: Store, snapshot: Snapshot, person: str) -> bool:
    """Whether a training learns from a label map that a blind assignment hides from a person.

    The crop of a preview may come from any of its images, so its reference is not shown to them, until all who
    annotate the image have submitted.
    """
    used = {revision_id for case in snapshot.cases for revision_id in case.revision_ids}
    return not used.isdisjoint(hidden_revisions(store, snapshot.project_id, person))


def _preview(folder: Path) -> Preview | None:
    place = folder / PREVIEW_FOLDER
    predictions = sorted(place.glob(PREDICTIONS))
    if not predictions:
        return None
    epoch = int(predictions[-1].stem.rpartition("-")[2])
    return Preview(place / IMAGE_FILE, place / REFERENCE_FILE, predictions[-1], epoch)


def _lines(path: Path) -> list[dict[str, Any]]:
    """The whole lines of a file; a torn one is left out."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    found = []
    for line in text.splitlines():
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict):
            found.append(value)
    return found


def _is_torn(path: Path) -> bool:
    """Whether the file ends in the middle of a line."""
    with path.open("rb") as handle:
        if handle.seek(0, 2) == 0:
            return False
        handle.seek(-1, 2)
        return handle.read(1) != b"\n"
