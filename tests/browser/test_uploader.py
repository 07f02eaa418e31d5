"""The drop zone in a browser: files reach the disk, problems are told with their remedy, cancelling leaves nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Server, streamlit_server

pytestmark = pytest.mark.browser

APP = Path(__file__).parent / "viewer_app" / "app.py"
LIMIT = 40_000_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("uploader")
    with streamlit_server(APP, folder, CRISTAE_MAX_UPLOAD_BYTES=str(LIMIT)) as server:
        yield server


@pytest.fixture
def zone(page: Page, server: Server) -> Page:
    page.goto(f"{server.url}/upload")
    expect(page.get_by_role("group", name="Drop micrographs here")).to_be_visible()
    return page


def stored(server: Server) -> dict[str, bytes]:
    """What has arrived, by name."""
    folder = server.settings.uploads_dir
    notes = folder.glob("*.json") if folder.is_dir() else ()
    return {json.loads(n.read_text(encoding="utf-8"))["name"]: n.with_suffix(".upload").read_bytes() for n in notes}


def choose(page: Page, *paths: Path) -> None:
    page.locator("input[type=file]").set_input_files(list(paths))


def test_several_files_arrive_and_python_hears_of_all_at_once(zone: Page, server: Server, tmp_path: Path) -> None:
    first, second = tmp_path / "Leber ü 1.tif", tmp_path / "b.png"
    first.write_bytes(b"1" * 70_000)
    second.write_bytes(b"2" * 10)
    choose(zone, first, second)
    expect(zone.get_by_text("arrived: Leber ü 1.tif 70000; b.png 10")).to_be_visible()
    got = stored(server)
    assert (got["Leber ü 1.tif"], got["b.png"]) == (b"1" * 70_000, b"2" * 10)


def test_a_file_can_be_dropped(zone: Page, server: Server) -> None:
    zone.evaluate(
        """() => {
          const find = (root) => { for (const e of root.querySelectorAll("*")) {
            if (e.shadowRoot?.querySelector(".zone")) return e.shadowRoot.querySelector(".zone"); } };
          const data = new DataTransfer();
          data.items.add(new File(["dropped"], "dropped.tif"));
          const zone = find(document);
          for (const name of ["dragenter", "dragover", "drop"])
            zone.dispatchEvent(new DragEvent(name, { dataTransfer: data, bubbles: true, cancelable: true }));
        }"""
    )
    expect(zone.get_by_text("arrived: dropped.tif 7")).to_be_visible()
    assert stored(server)["dropped.tif"] == b"dropped"


def test_problems_are_told_with_their_remedy_and_can_be_tried_again(zone: Page, tmp_path: Path) -> None:
    empty, large = tmp_path / "empty.tif", tmp_path / "large.tif"
    empty.write_bytes(b"")
    with large.open("wb") as handle:
        handle.truncate(LIMIT + 1)
    choose(zone, empty, large)
    expect(zone.get_by_text("empty.tif is empty (0 bytes). Choose the file again, or export it again.")).to_be_visible()
    expect(zone.get_by_text("The file has 40.0 MB; 40.0 MB are allowed.")).to_be_visible()
    assert zone.get_by_role("button", name="Try again").count() == 1
    with zone.expect_response(lambda r: "/api/uploads" in r.url) as answer:
        zone.get_by_role("button", name="Try again").click()
    assert answer.value.status == 400


def test_a_cancelled_upload_leaves_nothing_and_the_next_one_goes_on(zone: Page, server: Server, tmp_path: Path) -> None:
    slow, quick = tmp_path / "slow.tif", tmp_path / "quick.tif"
    with slow.open("wb") as handle:
        handle.truncate(LIMIT - 1)
    quick.write_bytes(b"quick")
    session = zone.context.new_cdp_session(zone)
    session.send("Network.enable")
    conditions = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 2_000_000}
    session.send("Network.emulateNetworkConditions", conditions)
    choose(zone, slow, quick)
    expect(zone.get_by_role("progressbar", name="Upload of slow.tif")).to_be_visible()
    zone.get_by_role("button", name="Cancel slow.tif").click()
    expect(zone.get_by_text("arrived: quick.tif 5")).to_be_visible()
    assert "slow.tif" not in stored(server)
    zone.wait_for_timeout(300)
    assert list(server.settings.uploads_dir.glob("*.partial")) == []


def test_it_works_by_keyboard(zone: Page, tmp_path: Path) -> None:
    path = tmp_path / "keys.tif"
    path.write_bytes(b"keys")
    expect(zone.get_by_test_id("stStatusWidget")).to_have_count(0)  # the page's run has ended: the button stays
    with zone.expect_file_chooser() as chooser:
        zone.get_by_role("button", name="Browse files").press("Enter")
    chooser.value.set_files(path)
    expect(zone.get_by_text("arrived: keys.tif 4")).to_be_visible()


def test_a_busy_server_is_asked_again_when_it_said(zone: Page, tmp_path: Path) -> None:
    answers = [(429, "3 uploads of yours are running."), (503, "All places are in use."), (0, "")]

    def answer(route: Route) -> None:
        status, cause = answers.pop(0)
        if status:
            body = json.dumps({"cause": cause, "remedy": ""})
            route.fulfill(status=status, body=body, headers={"Retry-After": "0.2"})
        else:
            route.continue_()

    zone.route("**/api/uploads*", answer)
    path = tmp_path / "a.tif"
    path.write_bytes(b"II*\0")
    choose(zone, path)
    expect(zone.get_by_text("Uploaded")).to_be_visible()
    assert answers == []


def test_many_files_are_one_line(zone: Page, server: Server, tmp_path: Path) -> None:
    """Thirty files were thirty lines."""
    paths = [tmp_path / f"many-{number}.tif" for number in range(6)]
    for path in paths:
        path.write_bytes(b"x" * 1000)
    choose(zone, *paths)
    expect(zone.get_by_text("All 6 files are uploaded. You can close the tab.")).to_be_visible()
    assert zone.get_by_role("progressbar").count() == 1
    expect(zone.get_by_text("arrived: many-0.tif 1000", exact=False)).to_be_visible()
    assert {path.name for path in paths} <= set(stored(server))
