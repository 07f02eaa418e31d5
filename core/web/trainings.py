"""Routes for trainings: the picture of the fixed validation crop."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Final

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image as PilImage
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.errors import AccessError, NotFoundError
from core.imaging.overlay import color_table
from core.jobs.kinds import JobKind, TrainParams
from core.jobs.rows import job
from core.label_scheme import LabelScheme
from core.learning.progress import Preview, hides_labels, training_history
from core.learning.snapshot import Snapshot
from core.store.store import Store
from core.web.people import person_of
from core.web.responses import REVALIDATE, answering

SHOWN_PX: Final = 512
"""Small patches are enlarged by a whole factor up to this edge, so that their pixels stay sharp."""

OPACITY: Final = 0.5


def training_routes(stores: Callable[[], Store]) -> list[Route]:
    """``GET /api/trainings/{job}/preview/{image|reference|prediction}``: a PNG, the classes over the grey values."""

    def preview(request: Request) -> Response:
        store = stores()
        row = job(request.path_params["id"], store=store)
        if row.kind != JobKind.TRAIN:
            raise NotFoundError(f"Job {row.id} is not a training.", "Start one on the Train page.")
        found = training_history(store, row.id).preview
        what = request.path_params["what"]
        if found is None or what not in ("image", "reference", "prediction"):
            raise NotFoundError("This image does not exist yet.", "It appears after the first finished epoch.")
        snapshot = Snapshot.from_json(dict(TrainParams.from_json(row.params).snapshot))
        if what == "reference" and hides_labels(store, snapshot, person_of(request, store.settings)):
            raise AccessError(
                "This training learns from a correction of an image that you annotate without seeing others' work.",
                "The reference can be seen when all who were asked have submitted.",
            )
        return Response(
            _picture(found, what, LabelScheme.from_json(snapshot.scheme)),
            media_type="image/png",
            headers={"Cache-Control": REVALIDATE},
        )

    return [Route("/api/trainings/{id}/preview/{what}", answering(preview))]


def _picture(preview: Preview, what: str, scheme: LabelScheme) -> bytes:
    grey = _read(preview.image_path)
    labels = {"reference": preview.reference_path, "prediction": preview.prediction_path}.get(what)
    rgb = np.repeat(grey[:, :, None], 3, axis=2).astype(np.float32)
    if labels is not None:
        ids = np.zeros(256, np.uint8)
        ids[1 : len(scheme.classes) + 1] = scheme.ids
        classes = ids[_read(labels)]
        colors = color_table(scheme)[classes][:, :, :3].astype(np.float32)
        rgb = np.where((classes > 0)[:, :, None], (1 - OPACITY) * rgb + OPACITY * colors, rgb)
    picture = PilImage.fromarray(rgb.astype(np.uint8))
    scale = max(SHOWN_PX // max(picture.size), 1)
    picture = picture.resize((picture.width * scale, picture.height * scale), PilImage.Resampling.NEAREST)
    out = io.BytesIO()
    picture.save(out, format="PNG")
    return out.getvalue()


def _read(path: Path) -> NDArray[np.uint8]:
    """One of the three PNGs; replaced just now, it counts as not there."""
    try:
        pixels: NDArray[np.uint8] = imagecodecs.png_decode(path.read_bytes())
    except (OSError, imagecodecs.PngError) as error:
        raise NotFoundError("The image is being replaced.", "Try again in a moment.") from error
    return pixels
