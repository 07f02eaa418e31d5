"""One entry of a catalogue: what a model is, where its files are, under which terms they may be used."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from core.exchange.model_format import ModelFormat
from core.models.card import check_id
from core.models.names import MAX_NAME_LENGTH

MOST_PICTURE_BYTES: Final = 200_000
"""Of a picture in a catalogue, as it is in the file."""

PICTURE_STARTS: Final = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}
"""Kinds of picture that are shown, and how their files begin."""

_DEVICE: Final = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
"""Names that Windows keeps for devices."""

_URL: Final = re.compile(r"https?://[^\s\"'<>\\]{1,4000}")


def _file_name(name: str) -> str:
    """A plain name: it becomes one on disk."""
    plain = re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 ._+()-]{0,149}", name)
    if plain is None or name.endswith((".", " ", ".part", ".part.json")) or _DEVICE.fullmatch(name):
        raise ValueError("use a plain file name of letters, digits, dots, dashes and underscores")
    return name


def _url(text: str) -> str:
    if text and not _URL.fullmatch(text):
        raise ValueError("use an address that begins with https://")
    return text


def _model_id(text: str) -> str:
    try:
        return check_id(text)
    except Exception as error:
        raise ValueError("use lower-case letters and digits, separated by single dashes") from error


def _picture(text: str) -> str:
    """A small PNG or JPEG as a data address."""
    if not text:
        return text
    found = re.fullmatch(r"data:(image/png|image/jpeg);base64,([A-Za-z0-9+/=]+)", text)
    if found is None:
        raise ValueError("use data:image/png;base64,… or data:image/jpeg;base64,…")
    try:
        content = base64.b64decode(found[2], validate=True)
    except binascii.Error as error:
        raise ValueError("it is not valid Base64") from error
    if len(content) > MOST_PICTURE_BYTES or not content.startswith(PICTURE_STARTS[found[1]]):
        raise ValueError(f"use a {found[1]} file of at most {MOST_PICTURE_BYTES:,} bytes")
    return text


Url = Annotated[str, AfterValidator(_url)]
Text = Annotated[str, Field(max_length=2000)]
Word = Annotated[str, Field(min_length=1, max_length=80)]


class CatalogueFile(BaseModel):
    """A file of an entry.

    Parameters
    ----------
    name
        What it is called on disk.
    url
        Where it is.
    size_bytes
        None where the catalogue does not know.
    sha256, md5
        Hexadecimal; "" where the catalogue does not know.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: Annotated[str, AfterValidator(_file_name)]
    url: Annotated[str, Field(min_length=1), AfterValidator(_url)]
    size_bytes: int | None = Field(None, gt=0, lt=10**12)
    sha256: str = Field("", pattern=r"^([0-9a-f]{64})?$")
    md5: str = Field("", pattern=r"^([0-9a-f]{32})?$")


class Entry(BaseModel):
    """A model, or several of one source, that can be fetched.

    Parameters
    ----------
    id, name
        Unique in the catalogue; as shown.
    kind
        How its files become models.
    description
        One or two sentences.
    tissue, classes
        What it has learned from, and what it finds; empty where nobody says.
    pixel_size_nm
        Of its training; None where nobody says, or where it differs by class.
    licence, licence_url
        Under which its files may be used. An empty licence is read from the record before anything is accepted.
    citation, citation_url
        What to cite.
    source_url
        A page for people.
    tested
        Whether the makers of this catalogue have fetched and used it.
    note
        What else one should know before fetching.
    picture
        A small PNG or JPEG as a data address; "" for none.
    files
        In their order. Empty: the record names them.
    record_url
        Address of the record's description (JSON, as Zenodo's API gives it); "" where the files stand here.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    id: Annotated[str, AfterValidator(_model_id)]
    name: str = Field(min_length=1, max_length=MAX_NAME_LENGTH)
    kind: ModelFormat = Field(strict=False)
    description: Text = ""
    tissue: tuple[Word, ...] = Field((), strict=False)
    classes: tuple[Word, ...] = Field((), strict=False)
    pixel_size_nm: float | None = Field(None, gt=0, lt=1e6, allow_inf_nan=False)
    licence: str = Field("", max_length=200)
    licence_url: Url = ""
    citation: Text = ""
    citation_url: Url = ""
    source_url: Url = ""
    tested: bool = False
    note: Text = ""
    picture: Annotated[str, AfterValidator(_picture)] = ""
    files: tuple[CatalogueFile, ...] = Field((), strict=False, max_length=200)
    record_url: Url = ""

    @model_validator(mode="after")
    def _fits_together(self) -> Entry:
        names = [file.name.lower() for file in self.files]
        if len(set(names)) < len(names):
            raise ValueError("two files have the same name")
        if bool(self.files) == bool(self.record_url):
            raise ValueError("give either files or record_url")
        if self.files and not self.licence:
            raise ValueError("licence is missing: say under which licence the files may be used")
        return self

    @property
    def size_bytes(self) -> int | None:
        """Of all files together; None where not all are known."""
        sizes = [file.size_bytes for file in self.files]
        known = [size for size in sizes if size is not None]
        return sum(known) if sizes and len(known) == len(sizes) else None

    @property
    def needs_look_up(self) -> bool:
        """Whether size and licence have to be read from its record first."""
        return bool(self.record_url)
