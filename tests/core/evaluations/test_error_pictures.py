"""Pictures of errors: the right place, the right outlines, a bounded size."""

from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as PilImage

from core.evaluations.report.error_pictures import (
    EDGE_PX,
    PER_IMAGE,
    PREDICTION_COLOR,
    REFERENCE_COLOR,
    SHOWN,
    error_pictures,
    worst_errors,
)
from core.evaluations.report.findings import Findings, findings
from core.evaluations.start import EvaluationPlan, start_evaluation
from core.imaging.image import Image, PixelSize
from core.store import ProjectRecord, RevisionKind, Split, Store
from tests.core.evaluations.conftest import add_labels, run_job

SIZE = 1400


@pytest.fixture
def found(store: Store, project: ProjectRecord) -> Findings:
    """A missed object of 900 x 900 px, and ten wrong specks beside it."""
    image = store.images.add(
        project.id, Image(np.full((SIZE, SIZE), 120, np.uint8), PixelSize.from_user(10.0), "big"), split=Split.TEST
    )
    reference = np.zeros((SIZE, SIZE), np.uint8)
    reference[100:1000, 300:1200] = 1
    prediction = np.zeros_like(reference)
    for number in range(10):
        prediction[1200:1204, 100 * number : 100 * number + 4 + number] = 2
    add_labels(store, image, reference)  # type: ignore[arg-type]
    made = add_labels(store, image, prediction, RevisionKind.PREDICTION)  # type: ignore[arg-type]
    asked = start_evaluation(store, EvaluationPlan(project.id, predictions={image.id: made}))
    return findings(store, str(run_job(store, asked).result["evaluation_id"]))


def like(rgb: NDArray[np.uint8], color: tuple[int, int, int]) -> NDArray[np.bool_]:
    """Where a picture has nearly this colour."""
    near: NDArray[np.bool_] = (np.abs(rgb.astype(int) - color) < 45).all(2)
    return near


def test_the_largest_errors_of_an_image_are_few(found: Findings) -> None:
    wanted = worst_errors(found)
    assert [error.pixels for _, error in wanted] == [810_000, 52, 48]
    assert len(wanted) == PER_IMAGE < SHOWN


def test_a_missed_object_has_the_outline_of_the_reference(store: Store, found: Findings) -> None:
    first, second, _ = error_pictures(store, found, worst_errors(found))
    assert first.jpeg is not None
    picture = PilImage.open(io.BytesIO(first.jpeg))
    assert picture.size == (EDGE_PX, EDGE_PX), "from a coarser level, not of 900 px"
    rgb = np.asarray(picture)
    rows, columns = np.nonzero(like(rgb, REFERENCE_COLOR))
    edge = 1400 / EDGE_PX  # the crop is 1440 px wide, as much as there is
    assert rows.min() == pytest.approx(100 / edge, abs=3)
    assert rows.max() == pytest.approx(1000 / edge, abs=3)
    assert columns.min() == pytest.approx(300 / edge, abs=3)
    assert not like(rgb, PREDICTION_COLOR).any()
    assert second.jpeg is not None
    rgb = np.asarray(PilImage.open(io.BytesIO(second.jpeg)))
    assert like(rgb, PREDICTION_COLOR).any()
    assert not like(rgb, REFERENCE_COLOR).any()


def test_what_was_deleted_has_no_picture(store: Store, found: Findings) -> None:
    store.revisions.delete(str(found.images[0].prediction_id))
    assert [one.jpeg for one in error_pictures(store, found, worst_errors(found))] == [None] * PER_IMAGE
