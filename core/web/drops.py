"""Files dropped to be segmented: their jobs are queued by the request that brings them.

Nothing has to happen in the browser after that, so its tab may be closed as soon as the last byte is sent.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from starlette.requests import Request

from core.batches.plan import SegmentPlan
from core.batches.start import NewFile, add_file
from core.settings import Settings
from core.store.store import Store
from core.store.uploads import Upload
from core.web.people import person_of
from core.web.responses import RequestRefusedError
from core.web.uploads import Arrival


def segmenting(settings: Settings, stores: Callable[[], Store]) -> Arrival:
    """What follows an upload that says so in its address.

    ``?drop={"batch": ID, "files": COUNT, "project": ID, "plan": {...}}``, the plan as
    `core.batches.plan.SegmentPlan.to_json` writes it. An upload without it just waits for a job.
    """

    def arrival(request: Request, upload: Upload) -> dict[str, Any]:
        asked = request.query_params.get("drop", "")
        if not asked:
            return {}
        batch_id, files, project_id, plan = _read(asked)
        row = add_file(
            stores(),
            batch_id,
            project_id,
            plan,
            NewFile(name=upload.name, upload_id=upload.id),
            files=files,
            by=person_of(request, settings),
        )
        return {"batch_id": batch_id, "job_id": row.id}

    return arrival


def _read(text: str) -> tuple[str, int, str, SegmentPlan]:
    """Batch, files, project and plan."""
    try:
        asked = json.loads(text)
        batch_id, files, project_id = str(asked["batch"]), int(asked["files"]), str(asked["project"])
        plan = dict(asked["plan"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise RequestRefusedError(
            400, f"The request does not contain the purpose of the file ({type(error).__name__}).", "Reload the page."
        ) from error
    return batch_id, files, project_id, SegmentPlan.from_json(plan)
