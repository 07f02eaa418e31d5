"""Routes for models: files to take away, for nnU-Net's own commands and for another Cristae."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.exchange.exporting import MODEL_FILES, export_model
from core.exports.heavy import heavy_model
from core.models.store import ModelStore
from core.settings import Settings
from core.web.download_slots import Downloads
from core.web.responses import RequestRefusedError, too_heavy
from core.web.revisions import attachment


def model_routes(settings: Settings, downloads: Downloads) -> list[Route]:
    """``GET /api/models/{id}/download/bundle`` and ``…/nnunet.zip``.

    Parameters
    ----------
    settings
        Where models are.
    downloads
        Gives what makes a file room apart from tiles, as `core.web.download_slots.downloading`.
    """

    def download(request: Request) -> Response:
        what = request.path_params["what"]
        if what not in MODEL_FILES:
            raise RequestRefusedError(
                404, f"There is no download {what[:40]!r}.", f"There are {', '.join(MODEL_FILES)}."
            )
        model = ModelStore(settings.models_dir).get(request.path_params["id"])
        if heavy_model(model):
            raise too_heavy(f"{model.card.name} has {model.size_bytes / 1e6:,.0f} MB of weights.", "Models")
        path = export_model(settings, model, what)
        return attachment(path, "application/zip", f"{model.id}-{MODEL_FILES[what]}")

    return [Route("/api/models/{id}/download/{what}", downloads(download))]
