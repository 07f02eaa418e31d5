"""A real server and a real browser: `app_server` runs the app itself, `streamlit_server` any script."""

from __future__ import annotations

import http.server
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from core.settings import ROOT, Settings
from ui.viewer.assets import BUNDLES

# a shared machine stalls for many seconds at a time: longer than the five seconds that the library waits
expect.set_options(timeout=45_000)

START_TIMEOUT_S = 60.0
CHROMIUM = os.environ.pop("CRISTAE_TEST_CHROMIUM", None)
"""Settings refuse names that they do not know, so this one is taken out of the environment."""

Run = Callable[[str, str], Any]
"""Of the fixture `run`."""

BROWSER_FLAGS = (
    "--no-sandbox", "--headless=new", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
)  # fmt: skip


@dataclass(frozen=True)
class Server:
    """A running `streamlit run`.

    Parameters
    ----------
    url
        Without a slash at its end.
    settings
        Those that it was started with; open a `Store` on them to prepare or check data.
    log_path
        What it has written.
    process_id
        To kill it, where a test is about that.
    """

    url: str
    settings: Settings
    log_path: Path
    process_id: int


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def streamlit_server(script: Path, folder: Path, port: int | None = None, **environment: str) -> Iterator[Server]:
    """Run a script's server on a free port with its data in ``folder``; end it, and only it, afterwards."""
    port = port or free_port()
    log_path = folder / "server.log"
    own = {"CRISTAE_DATA_DIR": str(folder / "data"), "CRISTAE_MIN_FREE_BYTES": "0", **environment}
    models = {"models_dir": Path(environment["CRISTAE_MODELS_DIR"])} if "CRISTAE_MODELS_DIR" in environment else {}
    settings = Settings(data_dir=folder / "data", min_free_bytes=0, **models)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("CRISTAE_")}
    options = ["--server.port", str(port), "--server.headless", "true"]
    command = [sys.executable, "-m", "streamlit", "run", str(script), *options]
    with log_path.open("ab") as log:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**inherited, "PYTHONPATH": str(ROOT), **own},
            stdout=log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_until_healthy(url, process, log_path)
        yield Server(url, settings, log_path, process.pid)
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_healthy(url: str, process: subprocess.Popen[bytes], log_path: Path) -> None:
    """Return once the server answers; fail with its log when it does not."""
    end = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2):  # noqa: S310
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    pytest.fail(f"the server did not start:\n{log_path.read_text(errors='replace')[-4000:]}")


@pytest.fixture(scope="session")
def app_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The app itself, on an empty data folder. Its engine is stopped afterwards too."""
    from core.engine.engine import stop_engine

    folder = tmp_path_factory.mktemp("app")
    with streamlit_server(ROOT / "app.py", folder) as server:
        yield server
    stop_engine(server.settings)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium: the one that CRISTAE_TEST_CHROMIUM names, the system's, or Playwright's own."""
    executable = CHROMIUM or next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=list(BROWSER_FLAGS))
        yield chromium
        chromium.close()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    extensions_map = {**http.server.SimpleHTTPRequestHandler.extensions_map, ".js": "text/javascript"}  # noqa: RUF012

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="session")
def run(browser: Browser) -> Iterator[Run]:
    """Evaluate an expression in which ``m`` is a module of the viewer or the uploader."""
    folder = BUNDLES["viewer"].parent.parent
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page = browser.new_page()
        base = f"http://127.0.0.1:{server.server_port}"
        page.goto(f"{base}/viewer/static/viewer.css")

        def evaluate(module: str, expression: str) -> Any:
            return page.evaluate(f"async () => {{ const m = await import('{base}/{module}'); return {expression}; }}")

        yield evaluate
        page.close()
        server.shutdown()


_POLICY = "Content Security Policy"
_TELL_VIOLATIONS = f"""document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`{_POLICY}: ${{event.violatedDirective}} ${{event.blockedURI}} in ${{event.sourceFile}}`))"""
"""Some violations are not in the console by themselves."""


class QuietPage:
    """A page that remembers what went wrong in its scripts."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.problems: list[str] = []
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.add_init_script(_TELL_VIOLATIONS)
        page.on("console", lambda line: self.problems.append(line.text) if _POLICY in line.text else None)


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A fresh browser profile of 1400 x 900 px."""
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    context.set_default_timeout(20_000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page; the test fails when a script on it throws."""
    quiet = QuietPage(context.new_page())
    yield quiet.page
    assert quiet.problems == []
