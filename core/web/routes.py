"""All of our own HTTP routes, to be given to the application beside Streamlit's."""

from __future__ import annotations

from functools import partial

from starlette.routing import BaseRoute

from core.settings import Settings
from core.store.store import Store, current_store
from core.web.access import guarded
from core.web.download_slots import DownloadSlots, downloading
from core.web.drafts import draft_routes
from core.web.drops import segmenting
from core.web.evaluations import evaluation_routes
from core.web.exports import export_routes
from core.web.images import image_routes
from core.web.models import model_routes
from core.web.pyramids import OpenPyramids
from core.web.revisions import revision_routes
from core.web.trainings import training_routes
from core.web.uploads import upload_routes


def routes(settings: Settings, store: Store | None = None) -> list[BaseRoute]:
    """Uploads, images, label maps, drafts, models, evaluations, trainings and exports.

    Parameters
    ----------
    settings
        Data folder and limits.
    store
        The process's own where None, opened by the first request that needs it.
    """
    pyramids = OpenPyramids()
    downloads = partial(downloading, slots=DownloadSlots(), settings=settings)

    def stores() -> Store:
        return store or current_store()

    ours: list[BaseRoute] = [
        *upload_routes(settings, segmenting(settings, stores)),
        *image_routes(stores, pyramids),
        *revision_routes(stores, pyramids, downloads),
        *draft_routes(settings, stores, pyramids),
        *model_routes(settings, downloads),
        *evaluation_routes(stores, downloads),
        *training_routes(stores),
        *export_routes(settings, stores),
    ]
    return guarded(ours, settings, stores)
