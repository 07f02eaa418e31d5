"""Routes for evaluations: the report, the table of metrics and the bundle to take away."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.errors import DatasetError
from core.evaluations.downloads import DOWNLOADS, render_evaluation
from core.evaluations.read import evaluation
from core.exports.heavy import heavy_evaluation
from core.store.store import Store
from core.web.download_slots import Downloads
from core.web.responses import RequestRefusedError, too_heavy
from core.web.revisions import attachment


def evaluation_routes(stores: Callable[[], Store], downloads: Downloads) -> list[Route]:
    """``GET /api/evaluations/{id}/download/{report.html|metrics.csv|bundle.zip}?compare=ID``.

    Parameters
    ----------
    stores
        Where evaluations are.
    downloads
        Gives what makes a file room apart from tiles, as `core.web.download_slots.downloading`.
    """

    def download(request: Request) -> Response:
        what, compare_with = request.path_params["what"], request.query_params.get("compare", "")
        if what not in DOWNLOADS:
            raise RequestRefusedError(404, f"There is no download {what[:40]!r}.", f"There are {', '.join(DOWNLOADS)}.")
        store, evaluation_id = stores(), request.path_params["id"]
        for row in (evaluation(store, each) for each in (evaluation_id, compare_with) if each):
            if not row.scored_count:
                raise RequestRefusedError(
                    409,
                    f"The evaluation {row.name} has no scored images yet.",
                    ("Wait for the first image, or check the job."),
                )
        row = evaluation(store, evaluation_id)
        if heavy_evaluation(row, what):
            raise too_heavy(f"The evaluation {row.name} has {row.scored_count:,} images.", "Results")
        try:
            return attachment(*render_evaluation(store, evaluation_id, what, compare_with))
        except DatasetError as error:
            raise RequestRefusedError(409, error.cause, error.remedy) from error

    return [Route("/api/evaluations/{id}/download/{what}", downloads(download))]
