"""One rule says which pixel sizes can be: every way in takes and refuses the same, in the same words."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer
from typer.testing import CliRunner

from core.batches.plan import SegmentPlan
from core.cli.app import app
from core.datasets.folder import read_classes
from core.datasets.sample_sheet import nm_of
from core.errors import CristaeError
from core.exchange.importing import import_model
from core.imaging.image import PixelSize
from core.imaging.lengths import (
    LARGEST_PIXEL_NM,
    SMALLEST_PIXEL_NM,
    ScaleMeasurement,
    checked_pixel_size,
    parse_pixel_size_nm,
)
from core.imaging.pixel_size import pixel_size_from_file
from core.label_scheme import DEFAULT_SCHEME
from core.models.store import ModelStore
from core.settings import ROOT
from core.store import Store
from core.training.request import TrainRequest
from ui.parts.pixel_size_field import typed_size

TOO_SMALL, TOO_LARGE = SMALLEST_PIXEL_NM * 0.99, LARGEST_PIXEL_NM * 1.01

Way = Callable[[float], object]


def _project(store: Store) -> Way:
    def made(nm: float) -> object:
        return store.projects.create(f"at {nm}", DEFAULT_SCHEME, nm)

    return made


def _described(folder: Path) -> Way:
    def read(nm: float) -> object:
        (folder / "dataset.json").write_text(f'{{"labels": {{"background": 0, "a": 1}}, "pixel_size_nm": {nm!r}}}')
        return read_classes(folder)

    return read


@pytest.fixture
def ways(store: Store, tmp_path: Path) -> dict[str, Way]:
    """Every way by which a pixel size comes in, by a name."""
    return {
        "typed": lambda nm: parse_pixel_size_nm(repr(nm)),
        "value": PixelSize.from_user,
        "line": lambda nm: ScaleMeasurement(nm * 100, 100),
        "sheet": lambda nm: nm_of(repr(nm), 2),
        "plan": lambda nm: SegmentPlan(model_id="m", assumed_nm=nm),
        "training": lambda nm: TrainRequest(dataset=tmp_path, preset="compact", out=tmp_path / "m", pixel_size_nm=nm),  # type: ignore[arg-type]
        "project": _project(store),
        "dataset.json": _described(tmp_path),
        "field": _field,
        "file": _file,
    }


def _field(nm: float) -> object:
    size = typed_size(repr(nm))
    if size.refused:
        raise CristaeError(size.cause, size.remedy)
    return size


def _file(nm: float) -> object:
    """A file is never refused for its pixel size, which is unknown then."""
    size, _ = pixel_size_from_file(nm, nm, "header")
    return checked_pixel_size(nm) if size.nm is None else size


def test_every_way_in_takes_and_refuses_the_same(ways: dict[str, Way]) -> None:
    for name, way in ways.items():
        for nm in (SMALLEST_PIXEL_NM, 8.0, LARGEST_PIXEL_NM):
            assert way(nm) is not None, (name, nm)
        for nm in (TOO_SMALL, TOO_LARGE, 352_778.0):
            with pytest.raises(CristaeError) as refused:
                way(nm)
            words = checked_words(nm)
            assert words in str(refused.value), (name, nm)


def checked_words(nm: float) -> str:
    with pytest.raises(CristaeError) as refused:
        checked_pixel_size(nm)
    return refused.value.cause.rstrip(".")


@pytest.mark.parametrize("nm", [TOO_SMALL, TOO_LARGE])
def test_a_model_is_not_trained_at_what_no_micrograph_has(tmp_path: Path, nm: float) -> None:
    with pytest.raises(CristaeError, match=re.escape(checked_words(nm))):
        import_model(ROOT, ModelStore(tmp_path), pixel_size_nm=nm)


def _options(command: object, path: str = "") -> Iterator[tuple[str, SimpleNamespace]]:
    for name, each in getattr(command, "commands", {}).items():
        yield from _options(each, f"{path} {name}".strip())
    for parameter in getattr(command, "params", ()):
        yield path, parameter


def test_every_option_for_a_pixel_size_reads_what_people_type() -> None:
    found = [path for path, option in _options(typer.main.get_command(app)) if option.name == "pixel_size"]
    assert len(found) >= 6
    for path in found:
        if path != "phantom":  # synthetic images come at sizes of their own
            refused = CliRunner().invoke(app, [*path.split(), "--pixel-size", "8 mm"])
            assert isinstance(refused.exception, CristaeError), path
            assert "8 mm per pixel is not plausible" in refused.exception.cause


_LIMIT = re.compile(r"_?(SMALLEST|LARGEST|MIN|MAX|LEAST)_(PIXEL_(SIZE_)?)?NM|_?NM_RANGE")


def test_no_other_module_has_a_range_or_a_field_of_its_own() -> None:
    """Two ranges stood side by side, and five fields had numbers of their own."""
    for folder in ("core", "ui", "pages"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and _LIMIT.fullmatch(node.id):
                    assert path == ROOT / "core/imaging/lengths.py", (path, node.id)
                called = getattr(getattr(node, "func", None), "attr", "")
                if called in ("number_input", "NumberColumn", "text_input") and path.name != "pixel_size_field.py":
                    said = ast.unparse(node)
                    assert not re.search(r"nm per pixel|Pixel size|Trained at", said), (path, said[:80])
