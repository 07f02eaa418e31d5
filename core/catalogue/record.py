"""The record of an archive: which files it holds, how large they are, under which licence. As Zenodo's API gives it."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.catalogue.entry import CatalogueFile, Entry
from core.errors import CatalogueError
from core.remote.addresses import Reach
from core.remote.download import fetched_bytes
from core.wording import some_of

MOST_BYTES: Final = 4 * 1024**2
"""Of a record's description; one with hundreds of files has some 200 kB."""

ARCHIVE_ENDINGS: Final = (".zip",)
"""Files of a record that can hold a model."""


class _Links(BaseModel):
    model_config = ConfigDict(extra="ignore")
    self: str = Field(max_length=4000)


class _File(BaseModel):
    model_config = ConfigDict(extra="ignore")
    key: str = Field(max_length=300)
    size: int = Field(ge=0)
    checksum: str = ""
    links: _Links


class _Licence(BaseModel):
    model_config = ConfigDict(extra="ignore")
    id: str = Field("", max_length=150)


class _Creator(BaseModel):
    model_config = ConfigDict(extra="ignore")
    name: str = Field("", max_length=150)


class _Metadata(BaseModel):
    model_config = ConfigDict(extra="ignore")
    title: Annotated[str, Field(max_length=500)] = ""
    publication_date: str = Field("", max_length=20)
    license: _Licence | None = None
    creators: list[_Creator] = Field(default_factory=list)


class _Record(BaseModel):
    model_config = ConfigDict(extra="ignore")
    doi: str = Field("", max_length=200)
    metadata: _Metadata
    files: list[_File] = Field(min_length=1, max_length=2000)


def looked_up(entry: Entry, reach: Reach) -> Entry:
    """An entry with what its record says: files with sizes and checksums, licence, citation.

    Raises
    ------
    FetchError
        The record cannot be fetched.
    CatalogueError
        It is no record, holds no archive, or names no licence.
    """
    content = fetched_bytes(entry.record_url, reach, most=MOST_BYTES, headers={"Accept": "application/json"})
    return with_record(entry, content)


def with_record(entry: Entry, content: bytes) -> Entry:
    """The same, of a record that is here; parameters and errors as of `looked_up`."""
    record = _record(entry, content)
    archives = [file for file in record.files if file.key.lower().endswith(ARCHIVE_ENDINGS)]
    if not archives:
        names = some_of(file.key for file in record.files)
        raise CatalogueError(
            f"The record of {entry.name} holds no zip file, only {names}.", "Download it from its page, and import it."
        )
    licence = entry.licence or (record.metadata.license.id if record.metadata.license else "")
    if not licence:
        raise CatalogueError(
            f"The record of {entry.name} names no licence.",
            f"Ask its authors under which terms it may be used ({entry.source_url or entry.record_url}).",
        )
    values: dict[str, Any] = {
        "record_url": "",
        "licence": licence,
        "citation": entry.citation or _citation(record),
        "citation_url": entry.citation_url or (f"https://doi.org/{record.doi}" if record.doi else ""),
    }
    try:
        values["files"] = [_file(file) for file in archives]
        return Entry.model_validate({**entry.model_dump(), **values})
    except ValidationError as error:
        first = error.errors()[0]
        raise CatalogueError(
            f"The record of {entry.name} cannot be used: {'.'.join(map(str, first['loc']))}: {first['msg']}.",
            "Download its files from its page, and import them.",
        ) from error


def _record(entry: Entry, content: bytes) -> _Record:
    try:
        return _Record.model_validate(json.loads(content))
    except (ValueError, RecursionError) as error:  # pydantic's are ValueErrors, too
        problem = error.errors()[0] if isinstance(error, ValidationError) else None
        what = f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" if problem else str(error)
        raise CatalogueError(
            f"The record of {entry.name} has another layout than expected ({what[:200]}).",
            "Download its files from its page, and import them.",
        ) from error


def _file(file: _File) -> dict[str, Any]:
    """An archive of a record as a file of the catalogue; its name is made plain."""
    name = re.sub(r"[^A-Za-z0-9._+()-]", "_", file.key.rpartition("/")[2]).lstrip("._+()-") or "file.zip"
    method, _, value = file.checksum.partition(":")
    sums = {method: value.lower()} if method in ("md5", "sha256") else {}
    return CatalogueFile(name=name[-140:], url=file.links.self, size_bytes=file.size or None, **sums).model_dump()


def _citation(record: _Record) -> str:
    """Authors, title, year."""
    names = [creator.name for creator in record.metadata.creators if creator.name]
    authors = f"{names[0]} et al." if len(names) > 2 else " and ".join(names)
    year = record.metadata.publication_date[:4]
    return ", ".join(part for part in (authors, record.metadata.title, year) if part)
