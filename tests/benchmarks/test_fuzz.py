"""Damaged files in small numbers: every one is read or refused clearly, none ends in another error, none never ends."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from benchmarks.fuzz.attempts import Attempt, Outcome, attempt
from benchmarks.fuzz.images import seeds
from benchmarks.fuzz.mutations import mutated
from benchmarks.fuzz.run import BAD, KINDS, Kind, as_text, fuzz
from core.errors import ImageError
from core.imaging.reader import open_micrograph
from tests.core.outside import guarded_tasks


def test_damaged_images_are_read_or_refused() -> None:
    report = fuzz(KINDS["images"], 330, seed=20)
    assert not any(report.counts[outcome] for outcome in BAD), as_text(report)
    assert min(report.counts[Outcome.READ], report.counts[Outcome.REFUSED]) > 50
    assert report.slowest_s < 10


def test_every_seed_is_a_good_image(tmp_path: Path) -> None:
    for name, content in seeds().items():
        (tmp_path / name).write_bytes(content)
        with open_micrograph(tmp_path / name) as file:
            file.read(file.pages - 1)


def test_damaged_labels_are_read_or_refused() -> None:
    report = fuzz(KINDS["labels"], 340, seed=20)
    assert not any(report.counts[outcome] for outcome in BAD), as_text(report)
    assert min(report.counts[Outcome.READ], report.counts[Outcome.REFUSED]) > 40


def test_damaged_descriptions_and_sheets_are_read_or_refused() -> None:
    report = fuzz(KINDS["tables"], 400, seed=20)
    assert not any(report.counts[outcome] for outcome in BAD), as_text(report)
    assert min(report.counts[Outcome.READ], report.counts[Outcome.REFUSED]) > 50


def test_damaged_models_are_refused_or_work() -> None:
    """A model that is accepted is used at once: one that does not work then counts as bad."""
    report = fuzz(KINDS["models"], 44, seed=20)
    assert not any(report.counts[outcome] for outcome in BAD), as_text(report)
    assert min(report.counts[Outcome.READ], report.counts[Outcome.REFUSED]) > 3


@pytest.mark.parametrize("kind", ["labels", "models", "tables"])
def test_every_other_seed_is_good(tmp_path: Path, kind: str) -> None:
    for name, content in KINDS[kind].seeds().items():
        (tmp_path / name).write_bytes(content)
        assert KINDS[kind].attempt(tmp_path / name).outcome is Outcome.READ, name


def test_the_same_number_is_the_same_file() -> None:
    content = seeds()["ome.tif"]
    assert mutated(content, [content], random.Random("1 2")) == mutated(content, [content], random.Random("1 2"))
    assert mutated(content, [content], random.Random("1 2")) != mutated(content, [content], random.Random("1 3"))


def _surprising(path: Path) -> Attempt:
    return attempt(guarded_tasks.surprised)


def _crashing(path: Path) -> Attempt:
    return attempt(guarded_tasks.crashing)


@pytest.mark.parametrize(
    ("action", "outcome"), [(_surprising, Outcome.UNEXPECTED), (_crashing, Outcome.CRASHED)], ids=["error", "crash"]
)
def test_what_ends_badly_is_counted_and_kept(tmp_path: Path, action: object, outcome: Outcome) -> None:
    """The count of zero means something only if it can be another."""
    report = fuzz(Kind(lambda: {"a.bin": b"x" * 99}, action), 2, seed=1, keep=tmp_path)  # type: ignore[arg-type]
    assert report.counts[outcome] == 2
    assert len(list(tmp_path.iterdir())) == 2


def test_a_refusal_without_a_remedy_is_none() -> None:
    def refuse() -> None:
        raise ImageError("a is bad")

    assert attempt(refuse).outcome is Outcome.UNEXPECTED


def test_shared_files_that_never_ended_are_refused(shared_data: Path) -> None:
    """Files that made libraries loop or eat the memory, where they are there."""
    folder = shared_data / "cases" / "fuzz"
    if not folder.is_dir():
        pytest.skip("the collection of damaged files is not on this machine")
    for path in sorted(folder.iterdir()):
        tried = KINDS["images"].attempt(path)
        assert tried.outcome is Outcome.REFUSED, path.name
        assert tried.seconds < 5
