"""Catalogues: what an entry must say, and what becomes of lists that are wrong."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from core.catalogue.catalogue import SHIPPED, entries_of, kept_copy, reach_of, read_catalogue
from core.catalogue.record import with_record
from core.errors import CatalogueError, NotFoundError, SettingsError
from core.settings import Settings, load_settings
from tests.core.catalogue.conftest import entry_values, write_catalogue

FILE = {"name": "a.zip", "url": "https://store.example/a.zip", "size_bytes": 10, "sha256": "0" * 64}
PNG = "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(20)).decode()


def listed(*entries: Any) -> bytes:
    return json.dumps({"catalogue_version": 1, "entries": list(entries)}).encode()


def test_the_shipped_catalogue_says_what_is_known_and_nothing_more() -> None:
    entries, refused = entries_of(SHIPPED.read_bytes(), "shipped")
    assert entries and not refused
    for entry in entries:
        assert not entry.tested and "not tested against the live server" in entry.note
        assert entry.source_url and (entry.licence or entry.record_url) and not entry.picture
        assert all(file.sha256 and file.size_bytes for file in entry.files)


def test_an_entry_of_the_administrator_takes_the_place_of_a_shipped_one(settings: Settings) -> None:
    shipped = read_catalogue(settings.model_copy(update={"catalogue": ""}))
    own = write_catalogue(settings, entry_values([FILE], id=shipped.entries[0].id, name="Our own copy", picture=PNG))
    merged = read_catalogue(settings)
    assert merged.entries[0] == own and len(merged.entries) == len(shipped.entries)
    assert own.size_bytes == 10 and own.picture == PNG
    with pytest.raises(NotFoundError, match="no model 'nowhere'"):
        merged.get("nowhere")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"id": "A B"}, "id: use lower-case letters"),
        ({"id": None}, "id: "),
        ({"name": ""}, "name: "),
        ({"kind": "tar"}, "kind: Input should be 'nnunet' or 'bundle'. It is 'tar'"),
        ({"licence": ""}, "licence is missing"),
        ({"pixel_size_nm": -8}, "pixel_size_nm: "),
        ({"pixel_size_nm": float("nan")}, "pixel_size_nm: "),
        ({"pixel_size_nm": True}, "pixel_size_nm: "),
        ({"tested": "yes"}, "tested: "),
        ({"licence_url": "javascript:alert(1)"}, "licence_url: use an address"),
        ({"source_url": 'https://x.example/"><script>'}, "source_url: use an address"),
        ({"picture": "https://x.example/a.png"}, "picture: use data:image/png"),
        ({"picture": "data:image/png;base64,AAAA"}, "picture: use a image/png file"),
        ({"picture": "data:image/svg+xml;base64,AAAA"}, "picture: use data:image/png"),
        ({"files": []}, "give either files or record_url"),
        ({"record_url": "https://x.example/r"}, "give either files or record_url"),
        ({"files": [{**FILE, "name": "../a.zip"}]}, "files.0.name: use a plain file name"),
        ({"files": [{**FILE, "name": "nul.zip"}]}, "files.0.name: use a plain file name"),
        ({"files": [{**FILE, "name": "a.zip.part"}]}, "files.0.name: use a plain file name"),
        ({"files": [FILE, {**FILE, "name": "A.zip"}]}, "two files have the same name"),
        ({"files": [{**FILE, "url": "file:///etc/passwd"}]}, "files.0.url: use an address"),
        ({"files": [{**FILE, "size_bytes": "10"}]}, "files.0.size_bytes: "),
        ({"files": [{**FILE, "size_bytes": 0}]}, "files.0.size_bytes: "),
        ({"files": [{**FILE, "sha256": "abc"}]}, "files.0.sha256: "),
        ({"colour": "red"}, "colour: Extra inputs are not permitted"),
    ],
)
def test_a_wrong_entry_is_named_with_its_field_and_the_others_stay(changes: dict[str, Any], message: str) -> None:
    wrong = {**entry_values([FILE], id="wrong"), **changes}
    entries, refused = entries_of(listed(wrong, entry_values([FILE], id="right")), "ours.json")
    assert [entry.id for entry in entries] == ["right"]
    assert any(message in str(each) for each in refused), [str(each) for each in refused]
    assert all("ours.json, entry 1" in each.cause and each.remedy for each in refused)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "not valid JSON"),
        (b"\xff\xfe", "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b"[]", "no list of entries"),
        (b'{"entries": {}}', "no list of entries"),
        (b'{"catalogue_version": 2, "entries": []}', "version 2, this Cristae reads 1"),
        (listed("text"), "entry 1: "),
        (listed(entry_values([FILE]), entry_values([FILE])), "another entry has the same id"),
    ],
)
def test_a_list_that_cannot_be_read_says_why(settings: Settings, content: bytes, message: str) -> None:
    Path(settings.catalogue).write_bytes(content)
    found = read_catalogue(settings)
    assert message in str(found.refused[0]) and len(found.entries) >= 1  # the shipped ones are there


def test_a_list_that_is_not_there_says_so(settings: Settings) -> None:
    assert "cannot be read" in read_catalogue(settings).refused[0].cause


def test_hosts_count_as_named_only_where_the_administrator_wrote_them(settings: Settings) -> None:
    write_catalogue(settings, entry_values([{**FILE, "url": "https://store.inside/a"}]))
    assert reach_of(settings).named == {"store.inside"}
    by_address = settings.model_copy(
        update={"catalogue": "https://Lists.example/c.json", "fetch_hosts": "A.inside, b.inside."}
    )
    copy = kept_copy(by_address)
    copy.parent.mkdir(parents=True)
    copy.write_bytes(Path(settings.catalogue).read_bytes())
    assert read_catalogue(by_address).entries[0].id == "liver"
    assert reach_of(by_address).named == {"lists.example", "a.inside", "b.inside"}  # not what that list names


@pytest.mark.parametrize("catalogue", ["relative.json", "ftp://x.example/c.json", "file:///c.json"])
def test_the_setting_names_a_file_or_a_web_address(catalogue: str) -> None:
    with pytest.raises(SettingsError, match="absolute path of a file"):
        load_settings(catalogue=catalogue)


RECORD = {
    "doi": "10.5281/zenodo.1",
    "metadata": {
        "title": "Liver models",
        "publication_date": "2026-03-01",
        "license": {"id": "cc-by-4.0"},
        "creators": [{"name": "Doe, A."}, {"name": "Roe, B."}, {"name": "Poe, C."}],
    },
    "files": [
        {"key": "2d models.zip", "size": 5, "checksum": "md5:" + "a" * 32, "links": {"self": "https://z.example/1"}},
        {"key": "readme.txt", "size": 1, "checksum": "", "links": {"self": "https://z.example/2"}},
    ],
}


def changed(**metadata: Any) -> bytes:
    return json.dumps({**RECORD, "metadata": {**RECORD["metadata"], **metadata}}).encode()  # type: ignore[dict-item]


def test_a_record_says_files_sizes_licence_and_citation(settings: Settings) -> None:
    values = entry_values([], kind="nnunet", record_url="https://z.example/r", licence="", citation="")
    entry = write_catalogue(settings, values)
    assert entry.size_bytes is None and entry.needs_look_up
    found = with_record(entry, json.dumps(RECORD).encode())
    assert not found.needs_look_up and found.size_bytes == 5
    assert [(file.name, file.md5) for file in found.files] == [("2d_models.zip", "a" * 32)]
    assert found.licence == "cc-by-4.0" and found.citation == "Doe, A. et al., Liver models, 2026"
    assert found.citation_url == "https://doi.org/10.5281/zenodo.1"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (changed(license=None), "names no licence"),
        (json.dumps({**RECORD, "files": RECORD["files"][1:]}).encode(), "no zip file, only readme.txt"),  # type: ignore[index]
        (json.dumps({**RECORD, "files": []}).encode(), "another layout"),
        (b"<html>", "another layout"),
        (b"[1]", "another layout"),
        (
            json.dumps({**RECORD, "files": [{"key": "a.zip", "size": 1, "links": {"self": "file:///a"}}]}).encode(),
            "cannot be used|web address|use an address",
        ),
    ],
)
def test_a_record_that_is_none_says_so(settings: Settings, content: bytes, message: str) -> None:
    values = entry_values([], kind="nnunet", record_url="https://z.example/r", licence="")
    with pytest.raises(CatalogueError, match=message):
        with_record(write_catalogue(settings, values), content)
