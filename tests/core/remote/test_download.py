"""Downloads from servers that cut, lie, redirect, refuse and change their minds: whole and right, or nothing."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.errors import FetchDelayedError, FetchError, JobCancelledError
from core.remote.addresses import Reach, judged
from core.remote.download import CHUNK_BYTES, RemoteFile, download, fetched_bytes
from tests.core.remote.server import FileServer, Served, serving

CONTENT = bytes(range(256)) * 4 * 1024
HOME = Reach(frozenset({"127.0.0.1", "localhost"}))


@pytest.fixture(scope="module")
def server_of_module() -> Iterator[FileServer]:
    with serving() as server:
        yield server


@pytest.fixture
def server(server_of_module: FileServer) -> FileServer:
    server_of_module.files.clear()
    server_of_module.asked.clear()
    return server_of_module


def wanted(server: FileServer, content: bytes = CONTENT, **changes: Any) -> RemoteFile:
    file = RemoteFile(f"{server.url}/a.zip", "a.zip", len(content), hashlib.sha256(content).hexdigest())
    return replace(file, **changes)


def fetched(file: RemoteFile, folder: Path, **how: Any) -> Path:
    return download(file, folder, HOME, **{"sleep": lambda _: None, **how})


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_arrives_whole_and_its_progress_is_true(server: FileServer, tmp_path: Path) -> None:
    server.files["/a.zip"] = Served(CONTENT)
    told: list[tuple[int, int | None]] = []
    path = fetched(wanted(server), tmp_path, on_received=lambda have, total: told.append((have, total)))
    assert path.read_bytes() == CONTENT and names(tmp_path) == ["a.zip"]
    assert told[0] == (0, len(CONTENT)) and told[-1] == (len(CONTENT), len(CONTENT))
    assert [have for have, _ in told] == sorted(have for have, _ in told) and len(told) >= 4
    assert fetched(wanted(server), tmp_path).read_bytes() == CONTENT
    assert len(server.asked) == 1  # it was here already


def test_after_a_cut_only_the_rest_is_asked_for(server: FileServer, tmp_path: Path) -> None:
    server.files["/a.zip"] = Served(CONTENT, cuts=[100_000, 200_000])
    assert fetched(wanted(server), tmp_path).read_bytes() == CONTENT
    assert [part for _, part in server.asked] == ["", "bytes=100000-", "bytes=300000-"]


@pytest.mark.parametrize(
    ("served", "parts"),
    [
        pytest.param(Served(CONTENT, cuts=[1000], etag=""), ["", ""], id="no version named"),
        pytest.param(Served(CONTENT, cuts=[1000], etag='W/"v1"'), ["", ""], id="weak tag"),
        pytest.param(Served(CONTENT, cuts=[1000], ranges=False), ["", "bytes=1000-"], id="no ranges"),
        pytest.param(
            Served(CONTENT, cuts=[1000], etag="", date="Tue, 01 Dec 2026 01:00:00 GMT"), ["", "bytes=1000-"], id="date"
        ),
        pytest.param(Served(CONTENT, cuts=[1000], wrong_range=True), ["", "bytes=1000-", ""], id="another range"),
    ],
)
def test_what_cannot_be_gone_on_with_begins_anew(
    server: FileServer, tmp_path: Path, served: Served, parts: list[str]
) -> None:
    server.files["/a.zip"] = served
    assert fetched(wanted(server), tmp_path).read_bytes() == CONTENT
    assert [part for _, part in server.asked] == parts


def test_a_file_that_changed_between_two_parts_is_fetched_anew(server: FileServer, tmp_path: Path) -> None:
    newer = bytes(reversed(CONTENT))
    server.files["/a.zip"] = Served(CONTENT, cuts=[1000])

    def change(_: str) -> None:
        server.files["/a.zip"] = Served(newer, etag='"v2"')

    assert fetched(wanted(server, newer), tmp_path, on_wait=change).read_bytes() == newer
    assert [part for _, part in server.asked] == ["", "bytes=1000-"]  # the server has sent the new one at once


def test_a_file_that_changed_under_the_same_tag_is_found_by_its_checksum(server: FileServer, tmp_path: Path) -> None:
    newer = bytes(reversed(CONTENT))
    server.files["/a.zip"] = Served(CONTENT, cuts=[1000])

    def change(_: str) -> None:
        server.files["/a.zip"] = Served(newer)

    assert fetched(wanted(server, newer), tmp_path, on_wait=change).read_bytes() == newer
    assert [part for _, part in server.asked] == ["", "bytes=1000-", ""]


def test_a_mixture_that_never_fits_ends(server: FileServer, tmp_path: Path) -> None:
    server.files["/a.zip"] = Served(CONTENT, cuts=[600_000, 500_000] * 9)
    with pytest.raises(FetchError, match="SHA256 checksum differs"):
        fetched(wanted(server, sha256="0" * 64), tmp_path)
    assert names(tmp_path) == [] and len(server.asked) == 4


@pytest.mark.parametrize(
    ("served", "changes", "message"),
    [
        pytest.param(Served(CONTENT[:-1]), {}, "has 1,048,575 bytes, but the catalogue says 1,048,576", id="size"),
        pytest.param(Served(CONTENT), {"sha256": "0" * 64}, "SHA256 checksum differs. It was deleted", id="sha256"),
        pytest.param(Served(CONTENT), {"sha256": "", "md5": "0" * 32}, "MD5 checksum differs", id="md5"),
        pytest.param(Served(CONTENT[:-5], chunked=True), {}, "it has 1,048,571 bytes instead of", id="no length"),
        pytest.param(Served(answers=[403]), {}, "refuses to give it", id="403"),
        pytest.param(Served(answers=[404]), {}, "does not have it", id="404"),
        pytest.param(Served(answers=[401]), {}, "asks for a sign-in", id="401"),
        pytest.param(Served(answers=[418]), {}, "answers with 418", id="418"),
        pytest.param(Served(CONTENT, headers={"Content-Encoding": "gzip"}), {}, "compressed", id="compressed"),
    ],
)
def test_a_wrong_file_or_a_refusal_leaves_nothing(
    server: FileServer, tmp_path: Path, served: Served, changes: dict[str, Any], message: str
) -> None:
    server.files["/a.zip"] = served
    with pytest.raises(FetchError, match=message) as caught:
        fetched(wanted(server, **changes), tmp_path)
    assert not isinstance(caught.value, FetchDelayedError)
    assert caught.value.remedy and names(tmp_path) == []


def test_a_server_that_announces_too_much_is_given_up_and_the_part_kept(server: FileServer, tmp_path: Path) -> None:
    server.files["/a.zip"] = Served(CONTENT[:1000], announced=len(CONTENT), ranges=False)
    with pytest.raises(FetchDelayedError, match="broke") as caught:
        fetched(wanted(server), tmp_path)
    assert "is kept" in caught.value.remedy
    assert names(tmp_path) == ["a.zip.part", "a.zip.part.json"] and 3 <= len(server.asked) <= 8


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_busy_server_is_asked_again_after_a_pause(server: FileServer, tmp_path: Path, status: int) -> None:
    server.files["/a.zip"] = Served(CONTENT, answers=[status, status])
    pauses: list[float] = []
    assert fetched(wanted(server), tmp_path, sleep=pauses.append).read_bytes() == CONTENT
    assert sum(pauses) == pytest.approx(1 + 2)


def test_the_pause_that_a_server_asks_for_is_kept(server: FileServer, tmp_path: Path) -> None:
    server.files["/a.zip"] = Served(CONTENT, answers=[429], headers={"Retry-After": "7"})
    pauses: list[float] = []
    fetched(wanted(server), tmp_path, sleep=pauses.append)
    assert sum(pauses) == pytest.approx(7)


def test_an_hour_is_not_waited_for(server: FileServer, tmp_path: Path) -> None:
    server.files["/a.zip"] = Served(CONTENT, answers=[503], headers={"Retry-After": "3600"})
    with pytest.raises(FetchDelayedError, match="asks to wait for 60 min"):
        fetched(wanted(server), tmp_path, sleep=lambda _: pytest.fail("it waits"))


def test_a_stopped_download_goes_on_from_where_it_was(server: FileServer, tmp_path: Path) -> None:
    server.files["/a.zip"] = Served(CONTENT)
    seen: list[int] = []
    with pytest.raises(JobCancelledError):
        fetched(
            wanted(server),
            tmp_path,
            on_received=lambda have, _: seen.append(have),
            should_stop=lambda: seen[-1] >= CHUNK_BYTES,
        )
    have = (tmp_path / "a.zip.part").stat().st_size
    assert CHUNK_BYTES <= have < len(CONTENT)
    assert fetched(wanted(server), tmp_path).read_bytes() == CONTENT
    assert server.asked[-1][1] == f"bytes={have}-"


def test_a_server_that_falls_silent_does_not_hold_up_who_wants_to_stop(server: FileServer, tmp_path: Path) -> None:
    over = threading.Event()
    server.files["/a.zip"] = Served(CONTENT[:1000], announced=len(CONTENT), silent=over)
    have: list[int] = []
    began_s = time.monotonic()
    with pytest.raises(JobCancelledError):
        fetched(
            wanted(server),
            tmp_path,
            on_received=lambda here, _: have.append(here),
            should_stop=lambda: bool(have) and time.monotonic() - began_s > 0.3,
        )
    assert time.monotonic() - began_s < 40  # the server is waited for a minute otherwise
    over.set()
    assert (tmp_path / "a.zip.part").stat().st_size == 1000


@pytest.mark.parametrize("note", ["", "{}", "[1]", '{"url": "x", "version": "v", "size_bytes": 1}'])
def test_a_part_of_which_nothing_is_known_is_not_gone_on_with(server: FileServer, tmp_path: Path, note: str) -> None:
    (tmp_path / "a.zip.part").write_bytes(b"something else")
    (tmp_path / "a.zip.part.json").write_text(note)
    server.files["/a.zip"] = Served(CONTENT)
    assert fetched(wanted(server), tmp_path).read_bytes() == CONTENT
    assert server.asked[-1][1] == ""


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("file:///etc/passwd", "not a web address"),
        ("ftp://example.org/a", "not a web address"),
        ("", "not a web address|nowhere"),
        ("/a.zip", "in a circle"),
        ("http://10.0.0.1/a.zip", "10.0.0.1 is an address inside"),
        ("http://169.254.169.254/latest/meta-data", "169.254.169.254 is an address inside"),
        ("https://user:secret@example.org/a", "user name or password"),
        ("http://[::ffff:10.0.0.1]/a", "inside this machine or its network"),
    ],
)
def test_redirects_lead_nowhere_they_should_not(
    server: FileServer, tmp_path: Path, location: str, message: str
) -> None:
    served = Served(CONTENT, location=location) if location else Served(answers=[302])
    server.files["/a.zip"] = served
    with pytest.raises(FetchError, match=message) as caught:
        fetched(wanted(server), tmp_path)
    assert "secret" not in str(caught.value) and names(tmp_path) == []


def test_a_few_redirects_are_followed_and_many_are_not(server: FileServer, tmp_path: Path) -> None:
    for number in range(7):
        server.files[f"/{number}"] = Served(location=f"/{number + 1}")
    server.files["/7"] = Served(CONTENT)
    assert fetched(wanted(server, url=f"{server.url}/2"), tmp_path / "few").read_bytes() == CONTENT
    with pytest.raises(FetchError, match="more than 5 times"):
        fetched(wanted(server, url=f"{server.url}/0"), tmp_path / "many")


def public(server: FileServer) -> Reach:
    """As if the server's name stood for a public address: what is judged, not what is connected to."""
    return Reach(look_up=lambda host, port: {"store.example": ["93.184.216.34"]}.get(host, ["127.0.0.1"]))


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://127.0.0.1/a", "127.0.0.1 is an address inside"),
        ("https://localhost/a", "localhost is an address inside"),
        ("https://10.1.2.3/a", "inside"),
        ("https://[::1]/a", "inside"),
        ("https://[fe80::1]/a", "inside"),
        ("https://[64:ff9b::7f00:1]/a", "inside"),
        ("https://[2002:7f00:1::]/a", "inside"),
        ("https://0.0.0.0/a", "inside"),
        ("https://224.0.0.1/a", "inside"),
        ("https://100.64.0.1/a", "inside"),
        ("https://printer.local/a", "inside"),
        ("https://inside.example/a", "inside.example is an address inside"),
        ("http://store.example/a", "not encrypted"),
        ("ftp://store.example/a", "not a web address"),
        ("https://", "not a web address"),
        ("https://store.example:99999/a", "invalid port"),
        ("https://store.example/a b", "not a web address"),
        ("https://store.example/\r\nHost: x", "not a web address"),
        ("https://a@store.example/", "user name or password"),
    ],
)
def test_addresses_that_are_not_asked(server: FileServer, url: str, message: str) -> None:
    with pytest.raises(FetchError, match=message):
        judged(url, public(server))


def test_a_public_address_may_not_lead_inside_even_where_that_is_named(server: FileServer) -> None:
    reach = replace(public(server), named=frozenset({"127.0.0.1"}))
    outside = judged("https://store.example/a?signature=1", reach)
    assert (outside.numbers, outside.inside, outside.path) == (("93.184.216.34",), False, "/a?signature=1")
    assert judged("http://127.0.0.1:9/a", reach).inside
    with pytest.raises(FetchError, match=r"redirects to 127\.0\.0\.1"):
        judged("http://127.0.0.1:9/a", reach, came_from=outside)


def test_a_name_that_stands_for_a_public_and_a_private_address_is_refused() -> None:
    reach = Reach(look_up=lambda host, port: ["93.184.216.34", "192.168.0.1"])
    with pytest.raises(FetchError, match="inside"):
        judged("https://mixed.example/a", reach)


def test_a_name_that_nobody_knows_may_be_known_later() -> None:
    def unknown(host: str, port: int) -> list[str]:
        raise OSError("Name or service not known")

    with pytest.raises(FetchDelayedError, match=r"store.example cannot be found"):
        judged("https://store.example/a", Reach(look_up=unknown))


def test_with_a_proxy_names_are_not_looked_up_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    reach = Reach(look_up=lambda host, port: pytest.fail("looked up"), proxy="http://proxy:3128")
    assert judged("https://store.example/a", reach).numbers == ()
    with pytest.raises(FetchError, match="inside"):
        judged("https://10.0.0.1/a", reach)


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    with serving() as gone:
        url = gone.url
    with pytest.raises(FetchDelayedError, match="cannot be reached"):
        fetched(RemoteFile(f"{url}/a.zip", "a.zip"), tmp_path)


def test_a_small_file_is_bounded(server: FileServer) -> None:
    server.files["/r"] = Served(b"x" * 100)
    assert fetched_bytes(f"{server.url}/r", HOME, most=100) == b"x" * 100
    with pytest.raises(FetchError, match="more than 99 bytes"):
        fetched_bytes(f"{server.url}/r", HOME, most=99)
    server.files["/c"] = Served(b"x" * 100, chunked=True)
    with pytest.raises(FetchError, match="more than 99 bytes"):
        fetched_bytes(f"{server.url}/c", HOME, most=99)
