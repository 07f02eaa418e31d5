"""Models in one file, from one Cristae to another: the model's folder as a zip, with checksums."""

from __future__ import annotations

import hashlib
import json
import struct
import zipfile
from pathlib import Path
from typing import Any, Final

from core.errors import ModelError
from core.files import replacing
from core.models.card import read_json
from core.models.store import CARD_FILE, DATASET_FILE, OPTIONAL_FILES, PLANS_FILE, ModelStore, StoredModel, open_model
from core.outside.archive import extract, member_parts, opened_zip
from core.outside.links import require_no_links_below
from core.scratch import scratch_folder

MANIFEST_FILE: Final = "cristae-model.json"
"""Names every file of the bundle with its SHA-256; its presence makes a zip a bundle."""

BUNDLE_VERSION: Final = 1


def export_bundle(model: StoredModel, out: Path) -> Path:
    """Write a model into one zip file.

    Parameters
    ----------
    model
        Any stored model.
    out
        The file, replaced atomically.

    Raises
    ------
    StorageFullError
        The file cannot be written.
    """
    require_no_links_below(model.path, ModelError, levels=1)  # somebody may have put one there meanwhile
    optional = [path for name in OPTIONAL_FILES if (path := model.path / name).is_file()]
    files = [model.path / name for name in (CARD_FILE, PLANS_FILE, DATASET_FILE)]
    files += optional + [model.weights(fold) for fold in model.folds]
    manifest = {"bundle_version": BUNDLE_VERSION, "files": {file.name: _sha256(file) for file in files}}
    with replacing(out) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(MANIFEST_FILE, json.dumps(manifest, indent=2))
        for file in files:
            archive.write(file, file.name)
    return out


def is_bundle(path: Path) -> bool:
    """Whether a file is a bundle, judged by its content."""
    try:
        with zipfile.ZipFile(path) as archive:
            return MANIFEST_FILE in archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, struct.error):
        return False


def import_bundle(
    path: Path, store: ModelStore, *, pixel_size_nm: float | None = None, name: str | None = None
) -> StoredModel:
    """Take a bundle into the store, under a free id.

    Parameters
    ----------
    path
        A file of `export_bundle`.
    store
        Where it goes.
    pixel_size_nm
        Pixel size of the training instead of the card's.
    name
        Name to show instead of the card's, and to make the id of.

    Raises
    ------
    ModelError
        Not a bundle, damaged, or made by a newer Cristae.
    """
    with scratch_folder("import") as scratch:
        folder = unpack_bundle(path, scratch)
        return import_folder(folder, store, pixel_size_nm=pixel_size_nm, name=name)


def unpack_bundle(path: Path, folder: Path) -> Path:
    """Write the files of a bundle into a folder, each checked by its digest.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    ModelError
        Not a bundle, damaged, or made by a newer Cristae.
    """
    with opened_zip(path) as archive:
        if MANIFEST_FILE not in archive.namelist():
            raise ModelError(f"{path.name} is not a model bundle.", "Export it with `model export --format bundle`.")
        manifest = _manifest(read_json(extract(archive, MANIFEST_FILE, folder / MANIFEST_FILE)))
        for member, digest in manifest.items():
            if member not in archive.namelist() or len(member_parts(member)) != 1:
                raise ModelError(f"{path.name} lacks {member}.", "Export the model again.")
            if _sha256(extract(archive, member, folder / member)) != digest:
                raise ModelError(f"{member} in {path.name} is damaged.", "Copy or export the file again.")
    return folder


def import_folder(
    folder: Path, store: ModelStore, *, pixel_size_nm: float | None = None, name: str | None = None
) -> StoredModel:
    """Take a copy of a model's folder into the store, under a free id; parameters as of `import_bundle`.

    Raises
    ------
    ModelError
        The folder is no usable model.
    """
    return store.add_free(folder, name or open_model(folder).id, name=name, pixel_size_nm=pixel_size_nm)


def _manifest(content: Any) -> dict[str, str]:
    if not isinstance(content, dict) or not isinstance(content.get("files"), dict):
        raise ModelError("The bundle has no list of files.", "Export the model again.")
    if content.get("bundle_version") != BUNDLE_VERSION:
        raise ModelError(
            f"The bundle has version {content.get('bundle_version')}, this Cristae reads {BUNDLE_VERSION}.",
            "Update Cristae, then try again.",
        )
    return {str(name): str(digest) for name, digest in content["files"].items()}


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
