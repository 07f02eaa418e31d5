"""The guarded process: what it gives back, what it is stopped for, and that the next call works all the same."""

from __future__ import annotations

import contextlib
import gc
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest
import tifffile

from core.errors import CristaeError, DatasetError, ImageError, LabelMapError
from core.imaging.guarded_micrograph import open_guarded
from core.imaging.image import PixelSize
from core.imaging.reader import open_micrograph
from core.outside.guarded import MIB, Limits, Subject, end_children, guarded, guarded_with
from tests.core.imaging.files import GREY, pil, tiff
from tests.core.outside import guarded_tasks as tasks

SUBJECT = Subject("odd.tif", DatasetError)


@pytest.fixture(scope="module", autouse=True)
def _no_child_left() -> object:
    yield
    end_children()


def test_one_child_answers_call_after_call() -> None:
    first = guarded(tasks.process_id)
    assert first != psutil.Process().pid
    assert guarded(tasks.process_id) == first


def test_values_come_back_as_they_are() -> None:
    wrapped = tasks.Wrapped(Path("a/b.tif"), PixelSize.from_user(4.5), ("x", "µ"))
    assert guarded(tasks.echoed, wrapped, times=2) == (wrapped, wrapped)


def test_an_array_comes_back_and_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    size, pixels = guarded(tasks.drawn, 30, 50)
    assert size.nm == 8.0
    np.testing.assert_array_equal(pixels, np.arange(1500).reshape(30, 50))
    assert pixels.dtype == np.uint16
    assert not pixels.flags.writeable
    del pixels
    gc.collect()
    assert list(tmp_path.iterdir()) == []
    assert guarded(tasks.drawn, 0, 5)[1].shape == (0, 5)


def test_our_errors_come_through_with_cause_and_remedy() -> None:
    with pytest.raises(LabelMapError) as caught:
        guarded(tasks.refused)
    assert (caught.value.cause, caught.value.remedy) == ("a.png has no label.", "Draw one.")


def test_other_errors_are_told_with_a_number_that_the_log_has(caplog: pytest.LogCaptureFixture) -> None:
    before = guarded(tasks.process_id)
    with pytest.raises(DatasetError, match=r"odd\.tif cannot be read.*error [0-9a-f]{8}") as caught:
        guarded_with(Limits(), SUBJECT, tasks.surprised)
    number = caught.value.cause.rpartition("error ")[2][:8]
    assert number in caplog.text
    assert "nobody thought of this" in caplog.text
    assert "nobody" not in str(caught.value)
    assert guarded(tasks.process_id) == before


def test_what_a_library_prints_does_no_harm() -> None:
    assert guarded(tasks.printing) == "done"


@pytest.mark.parametrize(
    ("limits", "task", "arguments", "cause"),
    [
        (Limits(busy_s=0.5), tasks.looping, (), "made no progress"),
        (Limits(wall_s=0.5), tasks.waiting, (60.0,), "made no progress"),
        (Limits(memory_bytes=300 * MIB), tasks.hoarding, (4000,), "memory"),
    ],
    ids=["loop", "wait", "memory"],
)
def test_a_breach_ends_the_call_and_the_child(limits: Limits, task: object, arguments: tuple, cause: str) -> None:
    child = guarded(tasks.process_id)
    with pytest.raises(CristaeError, match=cause) as caught:
        guarded_with(limits, SUBJECT, task, *arguments)
    assert caught.value.remedy
    assert isinstance(caught.value, DatasetError)
    assert "odd.tif" in caught.value.cause
    if "made no progress" in cause:
        assert not psutil.pid_exists(child)
    assert guarded(tasks.drawn, 2, 2)[1].shape == (2, 2)


def test_a_crash_is_told_and_the_next_call_works(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(DatasetError, match=r"odd\.tif crashed the process that reads files"):
        guarded_with(Limits(), SUBJECT, tasks.crashing)
    assert "ended with code" in caplog.text
    assert guarded(tasks.printing) == "done"


def test_work_that_gets_on_may_take_long() -> None:
    assert guarded_with(Limits(busy_s=0.6), SUBJECT, tasks.stepping, 4, 0.25) == 4


def test_a_child_that_is_killed_between_calls_is_replaced() -> None:
    psutil.Process(guarded(tasks.process_id)).kill()
    assert guarded(tasks.printing) == "done"


def test_threads_share_a_few_children() -> None:
    with ThreadPoolExecutor(8) as pool:
        children = set(pool.map(lambda _: guarded(tasks.process_id), range(16)))
    assert 1 <= len(children) <= 4


def test_paths_that_are_not_absolute_are_of_the_folder_that_one_is_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    end_children()
    (tmp_path / "a.tif").write_bytes(tiff(GREY))
    (tmp_path / "core").mkdir()
    (tmp_path / "core" / "__init__.py").write_text("raise SystemExit('a folder of files may not bring modules')")
    monkeypatch.chdir(tmp_path)
    assert open_guarded(Path("a.tif")).shape_yx == GREY.shape
    end_children()


def test_a_child_ends_with_its_parent() -> None:
    code = (
        "import os; from core.outside.guarded import guarded; from tests.core.outside import guarded_tasks as t; "
        "print(guarded(t.process_id), flush=True); os._exit(0)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(int(answer.stdout)).wait(10)
    assert not psutil.pid_exists(int(answer.stdout))


def test_a_guarded_micrograph_is_the_micrograph(tmp_path: Path) -> None:
    stack = np.stack([GREY, GREY[::-1]]).astype(np.uint16)
    path = tmp_path / "stack"
    path.write_bytes(tiff(stack, resolution=(1.25e6, 1.25e6), resolutionunit="CENTIMETER"))
    with open_micrograph(path, name="a.tif") as plain, open_guarded(path, name="a.tif") as file:
        for field in ("name", "format", "pages", "shape_yx", "dtype", "pixel_size", "notices", "storage", "placement"):
            assert getattr(file, field) == getattr(plain, field), field
        for page in (1, 0):
            assert file.page_name(page) == plain.page_name(page)
            ours, theirs = file.read(page), plain.read(page)
            np.testing.assert_array_equal(ours.pixels_yx, theirs.pixels_yx)
            assert (ours.pixel_size, ours.name, ours.notices) == (theirs.pixel_size, theirs.name, theirs.notices)
        with pytest.raises(ImageError, match="no page 3"):
            file.read(2)


def test_a_file_that_changes_is_opened_anew(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(tiff(GREY))
    assert open_guarded(path).read().pixels_yx[0, 0] == GREY[0, 0]
    path.write_bytes(tiff(GREY[:5] // 2))
    with open_guarded(path) as file:
        np.testing.assert_array_equal(file.read().pixels_yx, GREY[:5] // 2)


def test_bad_files_in_the_guard_are_refused_as_outside(tmp_path: Path) -> None:
    for content, cause in ((b"", "is empty"), (pil(GREY, "GIF"), "looks like a GIF"), (tiff(GREY)[:-99], "truncated")):
        (tmp_path / "a").write_bytes(content)
        with pytest.raises(ImageError, match=cause):
            open_guarded(tmp_path / "a", name="b.tif").read()


def test_threads_read_different_files(tmp_path: Path) -> None:
    for number in range(6):
        (tmp_path / f"{number}").write_bytes(tiff(np.full((9, 9), number, np.uint8)))
    barrier = threading.Barrier(3)

    def read(number: int) -> int:
        if number < 3:
            barrier.wait()
        return int(open_guarded(tmp_path / f"{number}").read().pixels_yx[0, 0])

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(read, range(6))) == list(range(6))


def test_a_relative_path_belongs_to_the_folder_of_the_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The child is kept: it was started in another folder."""
    for name, value in (("one", 1), ("two", 2)):
        (tmp_path / name).mkdir()
        tifffile.imwrite(tmp_path / name / "a.tif", np.full((3, 4), value, np.uint8))
        monkeypatch.chdir(tmp_path / name)
        assert open_guarded(Path("a.tif")).read().pixels_yx[0, 0] == value


def test_a_guarded_function_may_use_what_is_guarded_itself() -> None:
    assert guarded(tasks.process_id) == guarded(tasks.process_id_by_a_guarded_call)


def test_what_is_no_ordinary_file_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="it is a folder"):
        open_guarded(tmp_path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.tif")
        with pytest.raises(ImageError, match="not a regular file"):
            open_guarded(tmp_path / "pipe.tif")
