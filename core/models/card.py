"""A model's card: what it is, where it comes from, how it was trained, how well it did."""

from __future__ import annotations

import dataclasses
import json
import math
import re
import unicodedata
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from core.errors import LabelMapError, ModelError
from core.evaluation.temperature import Calibration
from core.familiarity.looks import KnownLooks
from core.label_scheme import LabelScheme
from core.objects.rules import ObjectRules
from core.objects.separation import Separation
from core.outside.links import require_no_link

CARD_VERSION: Final = 1
"""Format of card.json; a newer one is refused with a hint to update Cristae."""

MAX_JSON_BYTES: Final = 64 * 1024**2
"""Largest JSON file of a model that is read; the largest, histories of long trainings, have some MB."""

MAX_ID_LENGTH: Final = 64
"""Characters; short enough for every file system together with a file name."""

_ID: Final = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")

_DEVICE: Final = re.compile(r"con|prn|aux|nul|(?:com|lpt)[0-9]")
"""Names that Windows keeps for devices."""


@dataclass(frozen=True, slots=True)
class TrainingSummary:
    """How the weights came about. Every number can be empty for a model that was trained elsewhere.

    Parameters
    ----------
    images, cases
        Training images, and the nnU-Net cases that they were cut into.
    minutes
        Wall time of the training proper.
    computing_s, waiting_s
        What of it was spent computing, and waiting for a busy machine; None: not measured.
    earlier_iterations
        Iterations of the parent and its parents, where the parent was undertrained: then this training is a part of
        the same one.
    loss_falling
        Whether the validation loss was still falling at the end; None: nobody can tell.
    epochs, iterations
        As run.
    seed
        Of the split and of the random generators.
    device, hardware
        For example "cpu" and "AMD EPYC, 2 cores".
    versions
        Library name to version.
    dataset
        Name of the dataset or project.
    licence
        Of the training data, as its owner states it.
    snapshot
        Image name to SHA-256 of its pixels and labels: exactly what was trained on.
    training_images, validation_images
        Names on either side of the split; with one image both hold it (different regions).
    settings
        Whatever else is needed to do it again (learning rate, budget, patch size).
    """

    images: int = 0
    cases: int = 0
    minutes: float = 0.0
    computing_s: float | None = None
    waiting_s: float | None = None
    earlier_iterations: int = 0
    loss_falling: bool | None = None
    epochs: int = 0
    iterations: int = 0
    seed: int | None = None
    device: str = ""
    hardware: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    dataset: str = ""
    licence: str = ""
    snapshot: dict[str, str] = field(default_factory=dict)
    training_images: tuple[str, ...] = ()
    validation_images: tuple[str, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ModelSource:
    """Where the files of a model were fetched from, and who accepted the terms.

    Parameters
    ----------
    entry_id
        In the catalogue.
    part
        File, and folder in it, that became this model.
    files
        Name of each file to its SHA-256.
    urls
        Where they came from; empty where somebody has brought them.
    licence, licence_url, citation, citation_url, source_url
        As the catalogue, or the record, said it when it was accepted.
    accepted_by, accepted_at
        Who accepted the licence ("" where nobody said), and when (ISO 8601, UTC).
    fetch_id
        Of the fetch that brought it.
    """

    entry_id: str
    part: str = ""
    files: dict[str, str] = field(default_factory=dict)
    urls: tuple[str, ...] = ()
    licence: str = ""
    licence_url: str = ""
    citation: str = ""
    citation_url: str = ""
    source_url: str = ""
    accepted_by: str = ""
    accepted_at: str = ""
    fetch_id: str = ""


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What stands in a stored model's card.json.

    Parameters
    ----------
    id
        Readable slug, also the folder's name: lower-case letters, digits, ``.``, ``_``, ``-``.
    name
        As shown to people.
    scheme
        The classes that the model tells apart.
    output_ids
        Class id of each output channel of the network; channel 0 is background (0). Classes whose touching objects
        the network tells apart come a second time, after all classes.
    pixel_size_nm
        What images are resampled to before the network sees them; None where unknown (no resampling then).
    created
        ISO 8601, UTC.
    preset
        Training preset, or "imported".
    parent
        Id of the model that training started from.
    project_id
        Id of the project that it was trained on; "" for models from elsewhere and for cards of earlier versions
        (`StoredModel.project_id` knows more); "all": it belongs to all (`core.access.models`).
    description, origin, warning
        One or two sentences each, for people: what it is, what it learned from ("trained on synthetic tissue"), what
        it must not be used for.
    configuration
        Name of the nnU-Net configuration in plans.json.
    mirror_axes
        Image axes (0 rows, 1 columns) along which the network saw mirrored images, so that test-time mirroring is fair.
    training
        How the weights came about.
    metrics
        Validation metrics, as written by the training.
    object_rules
        The smallest object and the largest hole of each class; predictions are cleaned by them. Empty where nobody
        learned any.
    source
        Where it was fetched from; None for models that were not.
    separation
        Whether and how touching objects of a class are told apart.
    looks
        Statistics of the images that it learned from; nothing known for imported models.
    calibration
        The temperature of its confidence.

    Raises
    ------
    ModelError
        An id that cannot be a folder's name, a pixel size that is not positive, or output ids that do not fit the
        scheme.
    """

    id: str
    name: str
    scheme: LabelScheme
    output_ids: tuple[int, ...]
    pixel_size_nm: float | None = None
    created: str = ""
    preset: str = ""
    parent: str | None = None
    project_id: str = ""
    description: str = ""
    origin: str = ""
    warning: str = ""
    configuration: str = "2d"
    mirror_axes: tuple[int, ...] = (0, 1)
    training: TrainingSummary = field(default_factory=TrainingSummary)
    metrics: dict[str, Any] = field(default_factory=dict)
    object_rules: ObjectRules = field(default_factory=ObjectRules)
    separation: Separation = field(default_factory=Separation)
    source: ModelSource | None = None
    looks: KnownLooks = field(default_factory=KnownLooks)
    calibration: Calibration = field(default_factory=Calibration)

    def __post_init__(self) -> None:
        check_id(self.id)
        if self.pixel_size_nm is not None and not (math.isfinite(self.pixel_size_nm) and self.pixel_size_nm > 0):
            raise ModelError(
                f"Model {self.id} has a pixel size of {self.pixel_size_nm} nm.", "Give a positive number of nanometres."
            )
        if not self.output_ids or self.output_ids[0] != 0 or sorted(self.class_outputs[1:]) != sorted(self.scheme.ids):
            raise ModelError(
                f"Model {self.id} predicts the class ids {self.output_ids} but its scheme has {self.scheme.ids}.",
                "The output ids must be 0 (background) followed by each class of the scheme once.",
            )
        if self.parting_outputs != (self.separation.class_ids if self.separation.learned else ()):
            raise ModelError(
                f"Model {self.id} has further outputs for the classes {self.parting_outputs}, but its card says that "
                f"it tells the objects of {self.separation.class_ids} apart ({self.separation.way}).",
                "Import or train the model again.",
            )
        if not set(self.mirror_axes) <= {0, 1}:
            raise ModelError(
                f"Model {self.id} has the mirror axes {self.mirror_axes}.", "Use 0 (rows) and 1 (columns)."
            )

    @property
    def class_outputs(self) -> tuple[int, ...]:
        """The output ids of background and the classes."""
        return self.output_ids[: len(self.scheme.ids) + 1]

    @property
    def parting_outputs(self) -> tuple[int, ...]:
        """The classes whose parting pixels the outputs after those stand for; see `core.objects.separation`."""
        return self.output_ids[len(self.scheme.ids) + 1 :]

    def to_json(self) -> dict[str, Any]:
        """Plain values for card.json."""
        values = dataclasses.asdict(self)
        values["separation"] = self.separation.to_json()
        values["scheme"] = self.scheme.to_json()
        if self.source is None:
            del values["source"]  # earlier versions refuse what they do not know
        return {"card_version": CARD_VERSION, **values}

    @classmethod
    def from_json(cls, values: object, where: str = "card.json") -> ModelCard:
        """The inverse of `to_json`, checking everything.

        Raises
        ------
        ModelError
            A missing, unknown or unusable entry, named; or a card of a newer version.
        """
        if not isinstance(values, dict):
            raise ModelError(f"{where} contains no JSON object.", "Import or train the model again.")
        values = dict(values)
        version = values.pop("card_version", CARD_VERSION)
        if version != CARD_VERSION:
            raise ModelError(
                f"{where} has version {version}, this Cristae reads {CARD_VERSION}.", "Update Cristae, then try again."
            )
        try:
            values["scheme"] = LabelScheme.from_json(values["scheme"])
            return TypeAdapter(cls).validate_python(values)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            raise ModelError(
                f"{where}: {place}: {first['msg']}.", "Correct the entry, or import the model again."
            ) from error
        except (KeyError, TypeError, AttributeError, ArithmeticError, LabelMapError) as error:
            raise ModelError(
                f"{where}: the label scheme is invalid ({error}).", "Correct it, or import the model again."
            ) from error


def check_id(model_id: str) -> str:
    """The id itself, if it can safely name a folder.

    Raises
    ------
    ModelError
        It holds anything but lower-case letters, digits and single ``.``, ``_``, ``-`` between them, or is too long.
    """
    if len(model_id) > MAX_ID_LENGTH or not _ID.fullmatch(model_id) or _DEVICE.fullmatch(model_id.split(".")[0]):
        raise ModelError(
            f"{model_id[:80]!r} is not a valid model id.",
            f"Use up to {MAX_ID_LENGTH} lower-case letters and digits, separated by single dots, dashes or "
            "underscores; Windows device names such as con or nul are not allowed.",
        )
    return model_id


def slug(name: str) -> str:
    """A readable id made from any name; "model" where nothing of it can be kept.

    >>> slug("Übersicht: Leber 8 nm / Runde 2")
    'ubersicht-leber-8-nm-runde-2'
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[: MAX_ID_LENGTH - 8].strip("-") or "model"


def now_utc() -> str:
    """The time in UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def read_json(path: Path) -> Any:
    """A JSON file's value.

    Raises
    ------
    ModelError
        The file is missing, a link, too large or not JSON.
    """
    require_no_link(path, ModelError)
    try:
        if path.stat().st_size > MAX_JSON_BYTES:
            raise ModelError(f"{path.name} has {path.stat().st_size:,} bytes.", "This is not a model file.")
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelError(f"{path.name} is missing in {path.parent}.", "Import or train the model again.") from error
    except (ValueError, OSError, RecursionError) as error:
        raise ModelError(f"{path} cannot be read as JSON ({error}).", "Import or train the model again.") from error
