"""The model store: folders of safetensors with JSON beside them. Nothing here needs torch, nothing is unpickled.

::

    <models_dir>/default.json          {"id": …}, the model that is used where none is named
    <models_dir>/<id>/                 a model: `core.models.stored_model`
    <models_dir>/.trash/<id>~<time>/   a deleted model, kept for `TRASH_DAYS` days
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from core.errors import ModelError, NotFoundError
from core.evaluation.temperature import Calibration
from core.familiarity.looks import KnownLooks
from core.files import creating, explained_os_errors, write_json
from core.imaging.lengths import checked_pixel_size
from core.models.card import MAX_ID_LENGTH, ModelCard, check_id, now_utc, read_json, slug
from core.models.names import MAX_NAME_LENGTH, free_name
from core.models.stored_model import (
    ARCHIVED_FILE,
    CARD_FILE,
    DATASET_FILE,
    HISTORY_FILE,
    OPTIONAL_FILES,
    PLANS_FILE,
    SNAPSHOT_FILE,
    BrokenModel,
    StoredModel,
    open_model,
    read_safetensors_header,
    resolve_configuration,
    work_folder,
)
from core.models.trash import TRASH_DAYS, ModelTrash, TrashedModel
from core.objects.rules import ObjectRules
from core.objects.separation import Separation
from core.outside.links import copy_plain, require_no_link

__all__ = [
    "CARD_FILE",
    "DATASET_FILE",
    "HISTORY_FILE",
    "OPTIONAL_FILES",
    "PLANS_FILE",
    "SHARED",
    "SNAPSHOT_FILE",
    "STARTER_ID",
    "TRASH_DAYS",
    "BrokenModel",
    "ModelStore",
    "StoredModel",
    "TrashedModel",
    "open_model",
    "read_safetensors_header",
    "resolve_configuration",
]

DEFAULT_FILE: Final = "default.json"

STARTER_ID: Final = "starter"
"""The committed model that stands in until somebody chooses or trains another."""

SHARED: Final = "all"
"""In place of a project's id: the model belongs to all projects."""


class ModelStore:
    """The models under one folder.

    Parameters
    ----------
    models_dir
        Made when the first model is added.
    coming
        Ids that are not free, because models of them are going to be made.
    """

    def __init__(self, models_dir: Path, *, coming: Collection[str] = ()) -> None:
        self.models_dir = models_dir
        self._coming = coming
        self._trash = ModelTrash(models_dir)

    def list(self) -> tuple[StoredModel, ...]:
        """All usable models, newest first."""
        return self.scan()[0]

    def scan(self) -> tuple[tuple[StoredModel, ...], tuple[BrokenModel, ...]]:
        """All usable models, newest first, and the folders that are none, each with the reason."""
        models, broken = [], []
        folders = sorted(self.models_dir.iterdir()) if self.models_dir.is_dir() else []
        for folder in folders:
            if not folder.is_dir() or folder.name.startswith("."):
                continue
            try:
                require_no_link(folder, ModelError)
                model = open_model(folder)
                if model.id != folder.name:
                    raise ModelError(
                        f"The model card has the id {model.id!r} but the folder is {folder.name!r}.",
                        ("Rename the folder."),
                    )
                models.append(model)
            except (ModelError, OSError) as error:
                broken.append(BrokenModel(folder.name, folder, str(error)))
        models.sort(key=lambda model: (model.card.created, model.id), reverse=True)
        return tuple(models), tuple(broken)

    def get(self, model_id: str) -> StoredModel:
        """The model with this id.

        Raises
        ------
        ModelError
            The id is not one, or the model's folder is broken.
        NotFoundError
            There is no such model.
        """
        folder = self.models_dir / check_id(model_id)
        if not folder.is_dir():
            known = ", ".join(model.id for model in self.list()) or "none yet"
            raise NotFoundError(f"There is no model {model_id!r}.", f"Models in {self.models_dir}: {known}.")
        require_no_link(folder, ModelError)
        return open_model(folder)

    def free_id(self, name: str) -> str:
        """A slug of the name that no model has, no training is making, nor could come back from the trash.

        It may be taken before it is used: `add_free` and trainings look again when they are done.
        """
        base, number = slug(name), 1
        candidate, gone = base, {item.id for item in self._trash.items()}
        while self._has(candidate) or candidate in gone or candidate in self._coming:
            number += 1
            candidate = f"{base[: MAX_ID_LENGTH - 8]}-{number}"
        return candidate

    def free_name(self, wanted: str, *, besides: str = "", coming: Collection[str] = ()) -> str:
        """A name that no model shows: `core.models.names.free_name`.

        Parameters
        ----------
        besides
            Id of a model whose own name does not count, because it is about to get this one.
        coming
            Further names that are taken: those of models that are being made.
        """
        return free_name(wanted, [*(each.card.name for each in self.list() if each.id != besides), *coming])

    def _has(self, model_id: str) -> bool:
        """Whether anything is in the way of a model, be it unfinished."""
        folder = self.models_dir / model_id
        return os.path.lexists(folder) or work_folder(folder).exists()

    def add_free(
        self,
        folder: Path,
        wanted: str,
        *,
        name: str | None = None,
        pixel_size_nm: float | None = None,
        **card: Any,
    ) -> StoredModel:
        """As `add`, under the first id made of the name ``wanted`` that is still free once the copy is there.

        Parameters
        ----------
        card
            Further entries of the card that are known better than the folder does.
        """
        while True:
            try:
                return self._copy(folder, self.free_id(wanted), name, pixel_size_nm, **card)
            except FileExistsError:  # somebody else was quicker
                continue

    def add(
        self,
        folder: Path,
        *,
        model_id: str | None = None,
        name: str | None = None,
        pixel_size_nm: float | None = None,
        make_default: bool = False,
    ) -> StoredModel:
        """Copy a checked model folder into the store, all or nothing.

        Parameters
        ----------
        folder
            As described in the module; it is not changed.
        model_id
            Id in the store instead of the card's.
        name
            Name to show instead of the card's.
        pixel_size_nm
            Pixel size of the training instead of the card's.
        make_default
            Use it where no model is named.

        Raises
        ------
        ModelError
            The folder is not a usable model, the pixel size is no size, or the id is taken.
        StorageFullError
            The store cannot be written.
        """
        wanted = check_id(model_id or open_model(folder).id)
        try:
            model = self._copy(folder, wanted, name, pixel_size_nm)
        except FileExistsError as error:
            raise ModelError(
                f"The store already has a model {wanted!r}.", "Choose another id, or delete the old one."
            ) from error
        if make_default:
            self.set_default(model.id)
        return model

    def _copy(
        self, folder: Path, model_id: str, name: str | None, pixel_size_nm: float | None, **known: Any
    ) -> StoredModel:
        """Copy a model in, all or nothing; `FileExistsError` where the id is another's, also by the end only."""
        if pixel_size_nm is not None:
            checked_pixel_size(pixel_size_nm, error=ModelError)
        model = open_model(folder)
        card = replace(
            model.card,
            id=model_id,
            name=self.free_name(name or model.card.name),
            pixel_size_nm=pixel_size_nm if pixel_size_nm is not None else model.pixel_size_nm,
            **known,
        )
        target = self.models_dir / card.id
        if os.path.lexists(target):
            raise FileExistsError(target)
        with creating(target) as temporary:
            temporary.mkdir()
            for fold in model.folds:
                copy_plain(model.weights(fold), temporary / f"fold_{fold}.safetensors", ModelError)
            for name_of_file in OPTIONAL_FILES:
                if os.path.lexists(folder / name_of_file):
                    copy_plain(folder / name_of_file, temporary / name_of_file, ModelError)
            write_json(temporary / PLANS_FILE, model.plans)
            write_json(temporary / DATASET_FILE, model.dataset_json)
            write_json(temporary / CARD_FILE, card.to_json())
        return open_model(target)

    def delete(self, model_id: str) -> None:
        """Remove a model for good, broken or not; `trash` keeps it for a while.

        Raises
        ------
        NotFoundError
            There is no such model.
        """
        folder = self.models_dir / check_id(model_id)
        if not folder.is_dir():
            raise NotFoundError(f"There is no model {model_id!r}.", f"Check {self.models_dir}.")
        with explained_os_errors(folder):
            gone = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}.deleted")
            folder.rename(gone)
            shutil.rmtree(gone)

    def set_default(self, model_id: str) -> None:
        """Use this model where none is named; it is no longer put aside then.

        Raises
        ------
        ModelError, NotFoundError
            As `get`.
        """
        self.get(model_id)
        write_json(self.models_dir / DEFAULT_FILE, {"id": model_id})
        self.archive(model_id, False)

    def default(self) -> StoredModel | None:
        """The model to use where none is named: the chosen one, else the starter, else the newest; None if empty."""
        return self._default_without(None)

    def chosen_default(self) -> str:
        """Id of the model that somebody has made the default; "" where nobody has, or the file is damaged."""
        try:
            chosen = read_json(self.models_dir / DEFAULT_FILE)
        except ModelError:
            return ""
        return str(chosen.get("id") or "") if isinstance(chosen, dict) else ""

    def next_default(self, model_id: str) -> StoredModel | None:
        """What would be the default if this model were gone."""
        return self._default_without(model_id)

    def _default_without(self, gone_id: str | None) -> StoredModel | None:
        models = {model.id: model for model in self.list() if model.id != gone_id}
        wanted = self.chosen_default()
        offered = {model_id: model for model_id, model in models.items() if not model.archived}
        for choices, model_id in ((models, wanted), (offered, STARTER_ID)):
            if model_id in choices:
                return choices[model_id]
        return next(iter([*offered.values(), *models.values()]), None)

    def rename(self, model_id: str, name: str) -> StoredModel:
        """Show a model under another name; its id, and whatever refers to it, stays.

        A name that another model shows gets a number after it: see `free_name`.

        Raises
        ------
        ModelError
            The name is empty or too long, or the model is broken.
        NotFoundError
            There is no such model.
        """
        name = " ".join(name.split())
        if not 0 < len(name) <= MAX_NAME_LENGTH:
            raise ModelError(f"The name has {len(name)} characters.", f"Use 1 to {MAX_NAME_LENGTH}.")
        return self._change(model_id, name=self.free_name(name, besides=model_id))

    def set_pixel_size(self, model_id: str, pixel_size_nm: float) -> StoredModel:
        """Say at which pixel size a model was trained, where it came without one.

        Raises
        ------
        ModelError
            It knows its pixel size already, the number is no size, or the model is broken.
        NotFoundError
            There is no such model.
        """
        known = self.get(model_id).pixel_size_nm
        if known is not None:
            raise ModelError(
                f"Model {model_id} was trained at {known:g} nm per pixel.",
                "Import it again to use another pixel size: existing predictions depend on this one.",
            )
        return self._change(model_id, pixel_size_nm=checked_pixel_size(pixel_size_nm, error=ModelError))

    def set_object_rules(self, model_id: str, rules: ObjectRules) -> StoredModel:
        """Say how small the objects of a model's classes can be; predictions from now on are cleaned by it.

        Raises
        ------
        ModelError
            The model is broken, or a rule is of a class that it does not have.
        NotFoundError
            There is no such model.
        """
        scheme = self.get(model_id).scheme
        strange = sorted({rule.class_id for rule in rules.rules} - set(scheme.ids))
        if strange:
            raise ModelError(
                f"The object rules contain the classes {strange}, but model {model_id} has {scheme.ids}.",
                "Use rules for its classes.",
            )
        return self._change(model_id, object_rules=rules)

    def set_separation(self, model_id: str, separation: Separation) -> StoredModel:
        """Say how touching objects in predictions of a model are told apart that has not learned it.

        Raises
        ------
        ModelError
            The model is broken, has learned to tell them apart, or has not all of the classes.
        NotFoundError
            There is no such model.
        """
        model = self.get(model_id)
        if model.card.separation.learned or separation.learned:
            raise ModelError(
                f"Model {model_id} " + ("tells touching objects apart by what it has learned."
                if model.card.separation.learned else "has no outputs for that."),
                "Use a model without such outputs to split objects at their necks.",
            )  # fmt: skip
        strange = sorted(set(separation.class_ids) - set(model.scheme.ids))
        if strange:
            raise ModelError(f"Model {model_id} has no classes {strange}.", f"Its classes are {model.scheme.ids}.")
        return self._change(model_id, separation=separation)

    def set_looks(self, model_id: str, looks: KnownLooks, calibration: Calibration) -> StoredModel:
        """Keep what the images of a model look like, and the temperature of its confidence.

        Raises
        ------
        ModelError, NotFoundError
            As `get`.
        """
        return self._change(model_id, looks=looks, calibration=calibration)

    def give_to(self, model_id: str, project_id: str | None) -> StoredModel:
        """Say which project a model belongs to, whatever it said where it came from; None: to all.

        Raises
        ------
        ModelError, NotFoundError
            As `get`.
        """
        return self._change(model_id, project_id=project_id or SHARED)

    def _change(self, model_id: str, **changes: Any) -> StoredModel:
        card: ModelCard = replace(self.get(model_id).card, **changes)
        write_json(self.models_dir / model_id / CARD_FILE, card.to_json())
        return self.get(model_id)

    def archive(self, model_id: str, archived: bool) -> StoredModel:
        """Put a model aside, or take it back: it stays usable, but is no longer offered.

        Raises
        ------
        ModelError
            It is the default, or broken.
        NotFoundError
            There is no such model.
        """
        model = self.get(model_id)
        default = self.default() if archived else None
        if default is not None and default.id == model_id:
            raise ModelError(f"{model.card.name} is the default model.", "Make another model the default first.")
        with explained_os_errors(model.path / ARCHIVED_FILE):
            if archived:
                write_json(model.path / ARCHIVED_FILE, {"archived": now_utc()})
            else:
                (model.path / ARCHIVED_FILE).unlink(missing_ok=True)
        return model

    def trash(self, model_id: str) -> TrashedModel:
        """Take a model, broken or not, out of the store; `restore` brings it back for `TRASH_DAYS` days.

        Who asks makes sure that nothing uses it: `core.curation.model_use.trash_model` does.

        Raises
        ------
        ModelError
            It is the starter, which belongs to the program.
        NotFoundError
            There is no such model.
        """
        if model_id == STARTER_ID:
            raise ModelError(
                "The starter model belongs to Cristae and cannot be deleted.",
                "Make another model the default and archive the starter model.",
            )
        return self._trash.put(model_id)

    def restore(self, model_id: str) -> None:
        """Bring the model that was trashed last under this id back, as it was: broken ones too.

        Raises
        ------
        NotFoundError
            The trash holds none of this id.
        ModelError
            Another model has the id now.
        """
        self._trash.take(model_id)
        with suppress(ModelError, NotFoundError):  # a broken model shows no name
            self._change(model_id, name=self.free_name(self.get(model_id).card.name, besides=model_id))

    def trashed(self) -> tuple[TrashedModel, ...]:
        """What can be restored, newest first; what is past its time goes with the next cleaning of the engine."""
        return self._trash.items()

    def purge_trash(self) -> int:
        """Remove for good what has been in the trash for `TRASH_DAYS` days; how many models."""
        return self._trash.purge()
