"""Routes for evaluations: the report, the table of metrics and the bundle to take away."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.errors import DatasetError
from core.results.downloads import DOWNLOADS, render_evaluation
from core.results.read import evaluation
from core.store.store import Store
from core.web.responses import RequestRefusedError, answering
from core.web.revisions import attachment

_AT_ONCE: Final = threading.BoundedSemaphore(2)
"""Files made at once: each holds all figures of an evaluation and, for a while, some MB of text. More wait."""


def evaluation_routes(stores: Callable[[], Store]) -> list[Route]:
    """``GET /api/evaluations/{id}/download/{report.html|metrics.csv|bundle.zip}?compare=ID``."""

    def download(request: Request) -> Response:
        what, compare_with = request.path_params["what"], request.query_params.get("compare", "")
        if what not in DOWNLOADS:
            raise RequestRefusedError(404, f"There is no download {what[:40]!r}.", f"There are {', '.join(DOWNLOADS)}.")
        store, evaluation_id = stores(), request.path_params["id"]
        for row in (evaluation(store, each) for each in (evaluation_id, compare_with) if each):
            if not row.scored_count:
                raise RequestRefusedError(
                    409, f"The evaluation {row.name} has no scored image yet.", "Wait for the first, or see its job."
                )
        with _AT_ONCE:
            try:
                return attachment(*render_evaluation(store, evaluation_id, what, compare_with))
            except DatasetError as error:
                raise RequestRefusedError(409, error.cause, error.remedy) from error

    return [Route("/api/evaluations/{id}/download/{what}", answering(download))]
