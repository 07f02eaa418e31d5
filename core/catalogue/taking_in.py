"""Making models of the files of an entry, each by the safe import that tries it out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from core.catalogue.entry import Entry
from core.errors import ModelError, Refusal
from core.exchange.importing import import_model, trained_in
from core.exchange.model_format import ModelFormat
from core.models.card import ModelSource
from core.models.store import SHARED, ModelStore, StoredModel

_3D: Final = re.compile(r"__3d_\w+$|_3d_(fullres|lowres|cascade)\w*$")
"""How folders of nnU-Net's 3D configurations are named."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of the files.

    Parameters
    ----------
    models
        In the store.
    left_out
        Models among the files that were not taken, each with its name and the reason.
    """

    models: tuple[StoredModel, ...]
    left_out: tuple[Refusal, ...]


@dataclass(frozen=True, slots=True)
class _Part:
    """A model among the files."""

    path: Path
    inside: str | None
    label: str

    @property
    def is_3d(self) -> bool:
        return bool(_3D.search((self.inside or "").rstrip("/")))


def take_in(
    entry: Entry,
    files: Mapping[str, Path],
    models: ModelStore,
    source: ModelSource,
    *,
    project_id: str = "",
    on_progress: Callable[[float, str], object] = lambda fraction, message: None,
) -> Taken:
    """Bring every usable model of an entry's files into the store.

    Parameters
    ----------
    entry
        Whose files they are.
    files
        Name to file, checked already.
    models
        Where they go. What an earlier attempt of the same fetch has brought is not brought again.
    source
        For their cards; the part is filled in.
    project_id
        Whose they become; "": they belong to all.
    on_progress
        Told before each model.

    Raises
    ------
    ModelError
        None of them can be used; why.
    StorageFullError
        The disk is full.
    """
    there = {
        model.card.source.part: model
        for model in models.list()
        if model.card.source is not None and source.fetch_id and model.card.source.fetch_id == source.fetch_id
    }
    taken: list[StoredModel] = []
    left_out: list[Refusal] = []
    parts = _parts(entry, files, left_out)
    for number, part in enumerate(parts):
        on_progress(number / len(parts), f"checking {part.label}")
        if part.is_3d:
            left_out.append(
                Refusal("It is a 3D configuration; Cristae segments 2D images.", "Use a 2D configuration.", part.label)
            )
            continue
        try:
            made = there.get(part.label) or _imported(entry, part, models, source, project_id, several=len(parts) > 1)
        except ModelError as error:
            left_out.append(Refusal.at(part.label, error))
            continue
        taken.append(made)
    if not taken:
        raise _nothing(entry, left_out)
    return Taken(tuple(taken), tuple(left_out))


def _parts(entry: Entry, files: Mapping[str, Path], left_out: list[Refusal]) -> list[_Part]:
    """The models among the files; a file that cannot be opened is left out."""
    if entry.kind is ModelFormat.BUNDLE:
        return [_Part(path, None, name) for name, path in files.items()]
    found = []
    for name, path in files.items():
        try:
            inside = trained_in(path)
        except ModelError as error:
            left_out.append(Refusal.at(name, error))
            continue
        if not inside:
            left_out.append(Refusal("It contains no trained nnU-Net model.", "", name))
        found += [_Part(path, each, f"{name}: {each}" if each else name) for each in inside]
    return found


def _imported(
    entry: Entry, part: _Part, models: ModelStore, source: ModelSource, project_id: str, *, several: bool
) -> StoredModel:
    """One model, with where it comes from in its card."""
    name = entry.name
    if several:
        own = (part.inside or part.path.stem).rstrip("/").split("/")
        name = f"{entry.name}, {next((each for each in own if each.startswith('Dataset')), own[-1])}"
    known: dict[str, Any] = {"source": replace(source, part=part.label), "project_id": project_id or SHARED}
    return import_model(
        part.path, models, pixel_size_nm=entry.pixel_size_nm, name=name[:120], inside=part.inside, **known
    )


def _nothing(entry: Entry, left_out: list[Refusal]) -> ModelError:
    """Why nothing could be taken."""
    reasons = "; ".join(f"{each.where}: {each.cause}" for each in left_out[:5])
    if len(left_out) == 1:
        return ModelError(f"{left_out[0].where}: {left_out[0].cause}", left_out[0].remedy)
    return ModelError(
        f"The files of {entry.name} hold no model that can be used. {reasons}", "Look at its source page."
    )
