"""Segmentation by a trained model."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import ModelError
from core.imaging.image import Image
from core.label_scheme import LabelScheme
from core.models.shipped import provide_starter
from core.models.store import CARD_FILE, ModelStore, open_model
from core.settings import Precision, current_settings
from cristae.images import read_image

if TYPE_CHECKING:
    import os

    import numpy as np
    from numpy.typing import NDArray

    from core.models.stored_model import StoredModel
    from core.segmentation.predictor import Predictor


@dataclass(frozen=True, slots=True, eq=False)
class Segmentation:
    """What a model found in an image.

    Parameters
    ----------
    labels_yx
        uint8, shape (rows, columns) of the image: class ids, 0 is background. Read-only.
    confidence_yx
        uint8 of the same shape: 255 times the probability of the class that the network chose. Read-only.
    classes
        What the ids mean.
    pixel_size_nm
        Edge of a pixel of the image in nm, as it was used; None: unknown, so the image was not scaled.
    model_id
        Of the model.
    image_name
        Name of the image.
    notices
        What the user should know, one sentence each.
    objects_yx
        uint32 of the same shape: ids of the objects of the classes whose touching objects the model tells apart, 0
        elsewhere. Read-only. None: the model tells none apart, and connected pieces are the objects.
    """

    labels_yx: NDArray[np.uint8]
    confidence_yx: NDArray[np.uint8]
    classes: LabelScheme
    pixel_size_nm: float | None
    model_id: str
    image_name: str
    notices: tuple[str, ...] = ()
    objects_yx: NDArray[np.uint32] | None = None

    def __post_init__(self) -> None:
        for name in ("labels_yx", "confidence_yx", "objects_yx"):
            if getattr(self, name) is None:
                continue
            view = getattr(self, name).view()
            view.flags.writeable = False
            object.__setattr__(self, name, view)


def models() -> tuple[str, ...]:
    """Ids of the models in the model store, the default first."""
    store = _store()
    default, found = store.default(), store.list()
    return tuple(model.id for model in sorted(found, key=lambda model: default is None or model.id != default.id))


def segment(
    image: Image | str | os.PathLike[str],
    model: str | os.PathLike[str] = "",
    *,
    pixel_size_nm: float | None = None,
    clean: bool = True,
    exact: bool = False,
) -> Segmentation:
    """Segment a micrograph. The network is kept for the next call with the same model.

    Parameters
    ----------
    image
        What `read_image` gave, or a file with one page.
    model
        Id in the model store, or a model folder. "": the default model.
    pixel_size_nm
        Edge of a pixel in nm, where the image does not know or is wrong. None: the image's own; where that is unknown
        too, the model's is assumed, and a notice says so.
    clean
        Remove pieces that are too small to be objects, by the sizes that the model has learned.
    exact
        Compute in float32. Otherwise the quickest arithmetic of this machine that agrees with it.

    Raises
    ------
    ImageError
        The image cannot be read.
    ModelError, NotFoundError
        The store is empty, has no such model, or the model is broken.
    PredictionError
        The image cannot be segmented with this model.
    """
    from core.objects.report import clean_prediction, cleaning_sentence
    from core.objects.separating import object_ids
    from core.segmentation.array_sink import ArraySink
    from core.segmentation.parting import PartingRows

    loaded = image if isinstance(image, Image) else read_image(image)
    predictor = _predictor(_model(model).path, exact)
    stored, sink, found = predictor.model, ArraySink(loaded.shape), list[PartingRows]()
    summary = predictor.predict(loaded, sink, pixel_size_nm=pixel_size_nm, take_parting=found.append)
    labels_yx, notices = sink.labels_yx, [*loaded.notices, *summary.notices]
    rules, separation, parting = stored.card.object_rules, stored.card.separation, found[0] if found else None
    rules_nm = stored.pixel_size_nm if summary.pixel_size_nm is None else summary.pixel_size_nm
    if clean and rules.rules:
        labels_yx, cleaning = clean_prediction(labels_yx, rules, rules_nm, stored.scheme, separation, parting)
        notices += filter(None, [cleaning_sentence(cleaning)])
    objects = object_ids(labels_yx, parting, separation, rules.limits(rules_nm))
    return Segmentation(
        labels_yx=labels_yx,
        confidence_yx=sink.confidence_yx,
        classes=stored.scheme,
        pixel_size_nm=summary.pixel_size_nm,
        model_id=stored.id,
        image_name=loaded.name,
        notices=tuple(notices),
        objects_yx=None if objects is None else objects.ids_yx,
    )


def _store() -> ModelStore:
    """The model store of the settings; that of a new installation begins with the starter."""
    settings = current_settings()
    provide_starter(settings)
    return ModelStore(settings.models_dir)


def _model(model: str | os.PathLike[str]) -> StoredModel:
    """A model by id or folder; the default one for ""."""
    store = _store()
    if not model:
        default = store.default()
        if default is None:
            raise ModelError(f"There is no model in {store.models_dir}.", "Train one, or import one.")
        return default
    return open_model(Path(model)) if (Path(model) / CARD_FILE).is_file() else store.get(str(model))


@lru_cache(maxsize=1)
def _predictor(folder: Path, exact: bool) -> Predictor:
    """The model with its network, loaded at the first image."""
    from core.segmentation.predictor import Predictor

    settings = current_settings()
    return Predictor(
        open_model(folder),
        backend=settings.backend,
        precision=Precision.EXACT if exact else settings.precision,
        threads=settings.resolved_threads,
        cache_dir=settings.data_dir / "cache",
    )
