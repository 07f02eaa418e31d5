"""Browser modules: served by content hash, kept for ever only under the right one, nothing else reachable."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from ui.viewer.assets import BUNDLES, asset_routes, asset_url, bundle_digest, module_shim


@pytest.fixture(scope="module")
def client() -> TestClient:
    return TestClient(Starlette(routes=asset_routes()))


def test_a_module_is_kept_for_ever_under_its_own_hash(client: TestClient) -> None:
    answer = client.get(asset_url("viewer", "viewer.js"))
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "immutable" in answer.headers["cache-control"]
    assert answer.content == (BUNDLES["viewer"] / "viewer.js").read_bytes()


def test_under_an_older_hash_it_is_served_but_not_kept(client: TestClient) -> None:
    answer = client.get("/assets/viewer/0123456789abcdef/viewer.js")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-cache")


def test_a_module_of_another_bundle_is_reached_by_its_folder(client: TestClient) -> None:
    """The path from one static folder to another is the same on disk, for the type checker, and in the address."""
    transfer = (BUNDLES["uploader"] / "transfer.js").read_text(encoding="utf-8")
    wanted = re.findall(r'from "(\.\./[^"]+)"', transfer)
    assert wanted
    for path in wanted:
        address = urljoin(f"http://x{asset_url('uploader', 'transfer.js')}", path)
        answer = client.get(urlsplit(address).path)
        assert answer.content == (BUNDLES["uploader"] / path).resolve().read_bytes()
        assert answer.headers["cache-control"] == "no-cache"  # its address has no hash


@pytest.mark.parametrize(
    "path",
    [
        "viewer/x/nothing.js",
        "viewer/x/..%2fassets.py",
        "viewer/x/%2e%2e/assets.py",
        "viewer/x//etc/passwd",
        "other/x/viewer.js",
        "viewer/x/vendor",
    ],
)
def test_nothing_else_is_reachable(client: TestClient, path: str) -> None:
    assert client.get(f"/assets/{path}").status_code == 404


def test_the_hash_follows_every_file_and_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def digest() -> str:
        bundle_digest.cache_clear()
        return bundle_digest("trial")

    monkeypatch.setitem(BUNDLES, "trial", tmp_path)
    seen = [digest()]
    (tmp_path / "a.js").write_text("1")
    seen.append(digest())
    (tmp_path / "a.js").write_text("2")
    seen.append(digest())
    (tmp_path / "a.js").rename(tmp_path / "b.js")
    seen.append(digest())
    bundle_digest.cache_clear()
    assert len(set(seen)) == len(seen)


def test_the_shim_spans_lines_so_that_streamlit_takes_it_for_code_not_for_a_path() -> None:
    shim = module_shim("viewer", "viewer.js")
    assert shim.count("\n") > 2
    assert asset_url("viewer", "viewer.js") in shim


def test_the_vendored_library_carries_its_licence_and_source() -> None:
    folder = BUNDLES["viewer"] / "vendor" / "openseadragon-6.1.1"
    assert "openseadragon 6.1.1" in (folder / "openseadragon.min.js").read_text(encoding="utf-8")[:200]
    assert "Redistribution and use" in (folder / "LICENSE.txt").read_text(encoding="utf-8")
    assert "6.1.1" in (folder / "SOURCE.md").read_text(encoding="utf-8")
