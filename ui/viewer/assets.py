"""Browser modules under ``/assets/{bundle}/{digest}/…``: the digest is of their content, so they may be kept."""

from __future__ import annotations

import functools
import hashlib
import mimetypes
from pathlib import Path
from typing import Final

import plotly
import streamlit as st
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from core.settings import ROOT

_UI: Final = Path(__file__).resolve().parent.parent

BUNDLES: Final = {
    "viewer": _UI / "viewer" / "static",
    "uploader": _UI / "uploader" / "static",
    "figure": _UI / "figure" / "static",
    "frame": _UI / "frame" / "static",
    "guide": ROOT / "docs" / "images",
    "plotly": Path(plotly.__file__).resolve().parent / "package_data",
}
"""Folders that are served, by the first part of their address."""

MEDIA_TYPES: Final = {".js": "text/javascript", ".css": "text/css"}
"""Not left to the system's table: Windows registries call .js text/plain, which browsers refuse as a module."""


@functools.lru_cache(maxsize=16)
def bundle_digest(bundle: str) -> str:
    """Short hash of all files of a bundle, names included. Read once per process."""
    digest = hashlib.blake2b(digest_size=8)
    folder = BUNDLES[bundle]
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(path.relative_to(folder).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def app_root() -> str:
    """The path that the app is served under, with slashes at both ends: "/" unless ``server.baseUrlPath`` is set."""
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{base}/" if base else "/"


def asset_url(bundle: str, name: str) -> str:
    """Address of one file of a bundle."""
    return f"{app_root()}assets/{bundle}/{bundle_digest(bundle)}/{name}"


def module_shim(bundle: str, name: str) -> str:
    """JavaScript for `st.components.v2.component` that hands over to a module of ours.

    Errors of loading are left to Streamlit, which shows them in the component's place.
    """
    return (
        "export default async function (component) {\n"
        f"  const url = new URL({asset_url(bundle, name)!r}, document.baseURI).href;\n"
        "  const module = await import(url);\n"
        "  return module.default(component);\n"
        "}\n"
    )


def asset_routes() -> list[BaseRoute]:
    """The route that serves the browser modules of all bundles."""
    return [Route("/assets/{bundle}/{digest}/{path:path}", _serve)]


def _serve(request: Request) -> Response:
    """One file; kept for ever by the browser when the digest in its address is the present one."""
    bundle = request.path_params["bundle"]
    folder = BUNDLES.get(bundle)
    wanted = (folder / request.path_params["path"]).resolve() if folder else None
    if folder is None or wanted is None or not wanted.is_relative_to(folder) or not wanted.is_file():
        return PlainTextResponse("There is no such file.", status_code=404)
    current = request.path_params["digest"] == bundle_digest(bundle)
    media_type = MEDIA_TYPES.get(wanted.suffix) or mimetypes.guess_type(wanted.name)[0] or "application/octet-stream"
    return FileResponse(
        wanted,
        media_type=media_type,
        headers={
            "Cache-Control": "public, max-age=31536000, immutable" if current else "no-cache",
            "X-Content-Type-Options": "nosniff",
        },
    )
