"""What the app costs while nobody does anything: memory and processor time of its server and its engine.

    python -m benchmarks.idle --seconds 60

A server on an empty data folder with its engine, no worker running; first with no browser, then with one tab open on
the start page, then with one on the page of jobs, which refreshes itself. Memory is PSS where the system tells it
(Linux): pages that processes share are counted once, split among them; else RSS. The browser itself is not counted.
Without Playwright only the first part is measured.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from benchmarks.faults.site import Site
from core.engine.engine import running_engine
from core.settings import Precision

SETTLE_S = 10.0
"""Starting is not idling."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="cristae-idle-"))
    site = Site(folder, Precision.FAST)
    try:
        site.start_server()
        if not site.wait_for_server():
            sys.exit(f"the server does not answer; see {folder / 'server.log'}")
        print(f"Mean of {options.seconds:.0f} s, {psutil.cpu_count()} processor cores\n")
        print("| | process | PSS, MB | RSS, MB | of one core |\n|---|---|---|---|---|")
        measure(site, "no browser", options.seconds)
        for name, path in (("one tab, start page", ""), ("one tab, jobs", "jobs")):
            with tab(f"{site.url}/{path}") as opened:
                if opened:
                    measure(site, name, options.seconds)
    finally:
        left = site.close()
        shutil.rmtree(folder, ignore_errors=True)
    if left:
        sys.exit(f"left over: {left}")


def measure(site: Site, what: str, seconds: float) -> None:
    """Watch the server and the engine, with all that they started, and print a line for each."""
    time.sleep(SETTLE_S)
    engine = running_engine(site.settings)
    if engine is None:
        sys.exit("there is no engine")
    processes = {"server": psutil.Process(site.server_pid), "engine": psutil.Process(engine.pid)}
    before = {name: cpu_s(process) for name, process in processes.items()}
    began = time.monotonic()
    time.sleep(seconds)
    for name, process in processes.items():
        share = (cpu_s(process) - before[name]) / (time.monotonic() - began)
        pss, rss = memory_mb(process)
        print(f"| {what} | {name} | {pss} | {rss:.0f} | {100 * share:.1f} % |", flush=True)


def family(process: psutil.Process) -> list[psutil.Process]:
    """A process and what it started."""
    return [process, *process.children(recursive=True)]


def cpu_s(process: psutil.Process) -> float:
    """Seconds of processor time so far."""
    return sum(sum(one.cpu_times()[:2]) for one in family(process))


def memory_mb(process: psutil.Process) -> tuple[str, float]:
    """PSS as text ("" where the system does not tell) and RSS, in megabytes."""
    told = [one.memory_full_info() for one in family(process)]
    known = all(hasattr(one, "pss") for one in told)
    return f"{sum(one.pss for one in told) / 1e6:.0f}" if known else "", sum(one.rss for one in told) / 1e6


@contextmanager
def tab(url: str) -> Iterator[bool]:
    """A page in a headless browser; False where Playwright is not installed."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        print("# Playwright is not installed: no browser")
        yield False
        return
    executable = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox", "--headless=new"])
        page = browser.new_page()
        page.goto(url)
        page.get_by_test_id("stApp").wait_for()
        yield True
        browser.close()


if __name__ == "__main__":
    main()
