"""No file from outside is read beyond the guard: what reads one directly is called by a few modules only."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from core.datasets import guarded_labels, import_check
from core.datasets import loading as dataset_loading
from core.evaluations import prediction_files
from core.imaging import guarded_micrograph, inspection, reader
from core.labels import bands, guarded_reading, object_files
from core.labels import colors as label_colors
from core.labels import importing as label_import
from core.labels import masks as label_masks
from core.labels import planes as label_planes
from core.labels import reading as label_reading
from core.settings import ROOT

READERS = {
    "open_micrograph", "opened_labels", "read_image", "placement_of", "read_label_plane", "read_label_image",
    "read_masks", "read_rgb_labels", "find_colors", "guessed_source", "found_source", "read_labels", "read_by_class",
    "check_import", "check_prediction", "read_prediction", "inspect_file", "read_page", "labels_of_case",
    "labels_of_files", "prediction_of_case", "colors_of_file", "ready_model", "read_ids",
}  # fmt: skip
"""Functions that open a file from outside in the process that calls them."""

DECODERS = {
    "imread", "TiffFile", "ZipFile", "png_decode", "jpeg_decode", "tiff_decode", "imdecode", "memmap", "fromfile",
}  # fmt: skip
"""What libraries call it."""

GUARDED: tuple[ModuleType, ...] = (
    reader, label_planes, label_import, label_masks, label_colors, label_reading, import_check, inspection,
    guarded_micrograph, guarded_labels, guarded_reading, dataset_loading, prediction_files, bands,
    object_files,
)  # fmt: skip
"""Where they are, and where the guard calls them: in these modules every call of one is itself within the guard."""

OWN_FILES = {
    "core/outside/guarded.py", "core/web/trainings.py", "core/exports/label_maps.py", "core/exchange/bundle.py",
    "core/exchange/nnunet_export.py", "core/outside/archive.py", "core/exports/sinks.py",
    "core/evaluations/report/bundle.py",
}  # fmt: skip
"""They decode or write what Cristae itself has written; archives of models are opened by the guarded import."""


def _sources() -> Iterator[Path]:
    for folder in ("core", "ui", "pages"):
        yield from (ROOT / folder).rglob("*.py")
    yield ROOT / "app.py"


def called(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Names of what is called, the last part of dotted ones, with the line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            yield name, node.lineno


def test_files_from_outside_are_read_within_the_guard_only() -> None:
    allowed = {Path(module.__file__ or "") for module in GUARDED}
    formats = Path(reader.__file__ or "").parent / "formats"
    wrong = [
        f"{path.relative_to(ROOT)}:{line} calls {name}"
        for path in _sources()
        if path not in allowed and formats not in path.parents
        for name, line in called(ast.parse(path.read_text(encoding="utf-8")))
        if name in READERS or (name in DECODERS and path.relative_to(ROOT).as_posix() not in OWN_FILES)
    ]
    assert not wrong, "read it with open_guarded, read_guarded or load_case; or give the function to guarded_with"


@pytest.mark.parametrize("name", sorted(READERS - {"read_by_class", "ready_model"}))
def test_the_law_knows_functions_that_there_are(name: str) -> None:
    """A renamed one would be forbidden under its old name only."""
    assert any(hasattr(module, name) for module in GUARDED)


def test_the_law_finds_a_call() -> None:
    code = "def f(path):\n    with reader.open_micrograph(path) as file:\n        return TiffFile(path)\n"
    assert [name for name, _ in called(ast.parse(code))] == ["open_micrograph", "TiffFile"]
