"""Taking in a model in whatever form it comes: a bundle, a model folder, an nnU-Net results folder or zip."""

from __future__ import annotations

from pathlib import Path

from core.errors import ModelError
from core.segmentation.bundle import import_bundle, import_folder, is_bundle
from core.segmentation.model_store import CARD_FILE, ModelStore, StoredModel
from core.segmentation.nnunet_import import import_nnunet


def import_model(
    path: Path, store: ModelStore, *, pixel_size_nm: float | None = None, name: str | None = None
) -> StoredModel:
    """Bring a model into the store, under an id that is free; what it is, is found out by looking.

    Parameters
    ----------
    path
        A bundle (zip), a folder with card.json, an nnU-Net results folder, or a zip of
        ``nnUNetv2_export_model_to_zip``.
    store
        Where it goes.
    pixel_size_nm
        Pixel size of the training instead of what the model says; nnU-Net's own say none.
    name
        Name to show, and to make the id of; the model's own by default.

    Raises
    ------
    ModelError
        Nothing is there, or it is no model that can be used.
    StorageFullError
        The store cannot be written.
    """
    if not path.exists():
        raise ModelError(f"{path} does not exist.", "Check the path.")
    if path.is_dir() and (path / CARD_FILE).is_file():
        return import_folder(path, store, pixel_size_nm=pixel_size_nm, name=name)
    if path.is_file() and is_bundle(path):
        return import_bundle(path, store, pixel_size_nm=pixel_size_nm, name=name)
    return import_nnunet(path, store, pixel_size_nm=pixel_size_nm, name=name)
