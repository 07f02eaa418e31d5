"""The trial run of a model that was brought in: network built, weights loaded, a small image predicted.

A model that passes every look at its files may still not work: weights that are no numbers, a patch that the network
cannot halve as often as it wants to. Whoever imports it learns so at once, not when a prediction fails.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from core.errors import CristaeError, ModelError
from core.models.stored_model import StoredModel, open_model

TRIAL_PX: Final = 512
"""Largest edge of the patch that goes through; a larger one is tried at the least that the network can take."""

_NOT_USABLE: Final = "Import a completely trained model, or export it again from a working installation."


def check_model_works(folder: Path) -> None:
    """Try a model folder out, on the CPU.

    Parameters
    ----------
    folder
        As `open_model` takes it.

    Raises
    ------
    ModelError
        It cannot be used; says why.
    """
    model = open_model(folder)
    check_plans(model)
    tried = _at_trial_size(model)
    try:
        confidence = _predicted(tried)
    except ModelError:
        raise
    except CristaeError as error:
        raise ModelError(f"The model does not work: {error.cause}", error.remedy or _NOT_USABLE) from error
    except _UNFIT as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelError(f"The model does not work ({type(error).__name__}: {reason}).", _NOT_USABLE) from error
    if not np.isfinite(confidence):
        raise ModelError("The network output is not finite (NaN or infinite).", _NOT_USABLE)


def check_plans(model: StoredModel) -> None:
    """Refuse a network that is larger than any of nnU-Net's, weights of another one, and a patch that it cannot halve.

    Raises
    ------
    ModelError
        Says which.
    """
    from core.models.weights import check_fits, weight_shapes

    steps = _total_steps(model)
    for fold in model.folds:
        check_fits(
            model.configuration["architecture"],
            len(model.output_ids),
            weight_shapes(model.weights(fold)),
            f"Fold {fold}",
        )
    wrong = [edge for edge, step in zip(model.patch_size_px, steps, strict=True) if edge % step]
    if wrong:
        raise ModelError(
            f"The patch of {model.patch_size_px[0]} x {model.patch_size_px[1]} px cannot be divided by {steps[0]} "
            f"x {steps[1]}, as the network requires.",
            "Import the plans that the model was trained with.",
        )


_UNFIT: Final = (
    RuntimeError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, AssertionError,
    NotImplementedError, RecursionError,
)  # fmt: skip
"""What building a network, filling it and running it raises where its parts do not fit together."""


def _arguments(model: StoredModel) -> dict[str, Any]:
    """What the network is built with."""
    from core.models.weights import check_architecture

    architecture = model.configuration["architecture"]
    check_architecture(architecture)
    return dict(architecture["arch_kwargs"])


def _total_steps(model: StoredModel) -> tuple[int, int]:
    """By how much the network shrinks rows and columns."""
    strides = _arguments(model).get("strides")
    try:
        pairs = [
            (stride, stride) if isinstance(stride, int) else (int(stride[0]), int(stride[1]))
            for stride in strides or ()
        ]
        steps = tuple(int(np.prod([pair[axis] for pair in pairs], dtype=np.int64)) for axis in (0, 1))
    except (TypeError, ValueError, LookupError) as error:
        raise ModelError(
            f"The network has the strides {str(strides)[:200]}.", "Import a model of nnU-Net v2."
        ) from error
    if not pairs or min(steps) < 1 or max(steps) > 8192:
        raise ModelError(f"The network has the strides {str(strides)[:200]}.", "Import a model of nnU-Net v2.")
    return steps[0], steps[1]


def _at_trial_size(model: StoredModel) -> StoredModel:
    """The model with a patch that a trial can afford; the network is the same for every patch."""
    if max(model.patch_size_px) <= TRIAL_PX:
        return model
    patch = [min(edge, 2 * step) for edge, step in zip(model.patch_size_px, _total_steps(model), strict=True)]
    name = model.card.configuration
    plans = {**model.plans, "configurations": {name: {**model.configuration, "patch_size": patch}}}
    return replace(model, plans=plans)


def _predicted(model: StoredModel) -> float:
    """The largest output for noise, over all folds; NaN where any is no number."""
    import torch

    from core.imaging.image import Image
    from core.models.weights import load_network
    from core.segmentation.array_sink import ArraySink
    from core.segmentation.predictor import Predictor

    rows, columns = model.patch_size_px
    noise = np.random.default_rng(0).integers(1, 255, (rows, columns), dtype=np.uint8)
    largest = 0.0
    for fold in model.folds:
        with torch.inference_mode():
            values = torch.from_numpy((noise.astype(np.float32) - 128) / 64)[None, None]
            scores = load_network(model, fold)(values)
        if tuple(scores.shape) != (1, len(model.output_ids), rows, columns):
            raise ModelError(
                f"The network output has the shape {tuple(scores.shape)} for a patch of {rows} x {columns} px and "
                f"{len(model.output_ids)} classes.",
                _NOT_USABLE,
            )
        largest = max(largest, float(scores.abs().max())) if torch.isfinite(scores).all() else float("nan")
        if not np.isfinite(largest):
            return largest
    sink = ArraySink((rows, columns))
    Predictor(model, backend="torch", precision="exact", threads=1).predict(Image(noise), sink)
    return largest
