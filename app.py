"""Cristae: `streamlit run app.py`."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import streamlit as st
from anyio import to_thread
from starlette.middleware import Middleware

from core.engine.engine import keep_engine
from core.errors import CristaeError
from core.files import private_files
from core.models.shipped import provide_starter
from core.processes import allow_open_files
from core.program import quiet_libraries
from core.settings import current_settings
from core.store.store import current_store
from core.web.health import health_routes
from core.web.origins import parse_origins
from core.web.routes import routes
from core.web.same_site import SameSite
from core.web.security_headers import SecurityHeaders, inline_hashes
from ui.viewer import asset_routes

logger = logging.getLogger("cristae")

try:
    settings = current_settings()
    public, framed_by = parse_origins(settings.public_addresses), parse_origins(settings.framed_by)
except CristaeError as unusable:
    raise SystemExit(f"Cristae cannot start. {unusable}") from None


quiet_libraries()
private_files(settings.group_files)
allow_open_files()


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[dict[str, Any] | None]:
    """Open the store, and keep an engine alive for jobs; the engine outlives the server.

    A store that cannot be opened now does not stop the server: pages say why, and try again.
    """
    try:
        store = await to_thread.run_sync(current_store)
        store.database.set_patience(reading_s=2.0, writing_s=5.0)  # a person waits
    except CristaeError as error:
        logger.error("%s", error)
    try:
        await to_thread.run_sync(provide_starter, settings)
    except CristaeError as error:
        logger.error("%s", error)
    let_go = keep_engine(settings)
    try:
        yield None
    finally:
        await to_thread.run_sync(let_go)


app = st.App(
    "ui/main.py",
    routes=[*routes(settings), *health_routes(settings, current_store), *asset_routes()],
    lifespan=lifespan,
    middleware=[
        Middleware(
            SecurityHeaders,
            inline_scripts=inline_hashes(Path(st.__file__).parent / "static" / "index.html"),
            framed_by=framed_by,
        ),
        Middleware(
            SameSite,
            allowed_hosts=lambda: st.get_option("server.allowedHosts"),
            public=public,
            framed_by=framed_by,
        ),
    ],
)
