"""Route for the files that export jobs have made."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from core.exports.kept import kept_file
from core.jobs.kinds import ExportResult, subjects_of
from core.jobs.rows import job
from core.review.double_annotation import hidden_revisions
from core.settings import Settings
from core.store.records import JobRecord
from core.store.store import Store
from core.web.people import person_of
from core.web.responses import RequestRefusedError, answering


def export_routes(settings: Settings, stores: Callable[[], Store]) -> list[Route]:
    """``GET /api/exports/{job}``: the file, for as long as it is kept."""

    def download(request: Request) -> Response:
        store = stores()
        row = job(request.path_params["id"], store=store)
        file = kept_file(store, row)
        _refuse_hidden(store, row, person_of(request, settings))
        response = FileResponse(file.path, media_type=file.media_type, filename=file.name)
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    return [Route("/api/exports/{id}", answering(download))]


def _refuse_hidden(store: Store, row: JobRecord, person: str) -> None:
    """What a blind assignment hides is hidden in a package that somebody else has made, too.

    Raises
    ------
    RequestRefusedError
        403: it holds such a label map.
    """
    inside = set(ExportResult.of(row).revision_ids)
    inside |= subjects_of(row).content
    if row.project_id and inside & hidden_revisions(store, row.project_id, person):
        raise RequestRefusedError(
            403,
            "The export contains others' work on an image that you are annotating independently.",
            "Export the images yourself, or wait until all annotators have submitted.",
        )
