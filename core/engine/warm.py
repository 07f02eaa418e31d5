"""Loaded models, kept between the jobs of one worker process."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

from core.cache import MB, Cache
from core.evaluation.temperature import Calibration
from core.models.store import StoredModel
from core.settings import Settings

if TYPE_CHECKING:
    from core.segmentation.predictor import Predictor

KEPT: Final = 2
"""Models in memory at once: the one in use and the one it is compared with."""

_loaded: Final[Cache[Predictor]] = Cache(
    "loaded models",
    "networks of the models used last",
    limit_bytes=64 * 1024 * MB,  # their number is what limits them
    most=KEPT,
)


def warm_predictor(model: StoredModel, settings: Settings) -> Predictor:
    """A predictor for the model, loaded already if this process has used it lately. One thread at a time."""
    from core.segmentation.predictor import Predictor

    key = fingerprint(
        model=model_state(model),
        backend=settings.backend.value,
        precision=settings.precision.value,
        threads=settings.resolved_threads,
    )
    known = _loaded.get(key)
    if known is not None:
        return known
    _loaded.make_room()
    loaded = Predictor(
        model,
        backend=settings.backend,
        precision=settings.precision,
        threads=settings.resolved_threads,
        cache_dir=settings.data_dir / "cache",
    )
    return _loaded.put(key, loaded, size=sum(model.weights(fold).stat().st_size for fold in model.folds))


def model_state(model: StoredModel) -> list[Any]:
    """What changes when a model's weights or its pixel size do, also under the same id."""
    states: list[Any] = [model.id, model.pixel_size_nm]
    for fold in model.folds:
        status = model.weights(fold).stat()
        states.append([fold, status.st_size, status.st_mtime_ns])
    if model.card.looks.known or model.card.calibration != Calibration():
        states.append(hashlib.sha256(repr((model.card.looks, model.card.calibration)).encode()).hexdigest())
    return states


def fingerprint(**values: Any) -> str:
    """sha256 (hex) of plain values."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
