"""Models as files: for nnU-Net's own commands, and for another Cristae."""

from __future__ import annotations

import logging
import subprocess
import uuid
from pathlib import Path
from typing import Final

from core.errors import ModelError
from core.exchange.bundle import export_bundle
from core.files import explained_os_errors, require_free_space
from core.models.store import StoredModel
from core.processes import kill_tree, settings_environment, start_child
from core.settings import Settings

logger = logging.getLogger(__name__)

EXPORT_TIMEOUT_S: Final = 900.0
"""An ensemble of five large networks takes about a minute on a slow disk."""

MODEL_FILES: Final = {"bundle": "cristae-model.zip", "nnunet.zip": "nnunet.zip"}
"""What can be exported of a model, and how the file's name ends."""


def export_model(settings: Settings, model: StoredModel, what: str) -> Path:
    """Write one of `MODEL_FILES` to a temporary file, which the caller removes.

    Raises
    ------
    ModelError
        The model cannot be written in this form.
    StorageFullError
        The disk is full.
    """
    folder = settings.downloads_dir
    out = folder / f"{uuid.uuid4().hex}.zip"
    with explained_os_errors(out):
        folder.mkdir(parents=True, exist_ok=True)
        require_free_space(folder, model.size_bytes, keep_bytes=settings.min_free_bytes)
        if what == "bundle":
            return export_bundle(model, out)
        return _export_nnunet(settings, model, out)


def _export_nnunet(settings: Settings, model: StoredModel, out: Path) -> Path:
    """In a process of its own: checkpoints are written by torch, which this one never loads."""
    log = out.with_suffix(".log")
    arguments = ["model", "export", str(model.path), "--format", "nnunet", "--out", str(out)]
    process = start_child("core", arguments, settings_environment(settings), log)
    try:
        code = process.wait(timeout=EXPORT_TIMEOUT_S)
        text = log.read_text(encoding="utf-8", errors="replace").strip() if log.is_file() else ""
    except subprocess.TimeoutExpired:
        kill_tree(process.pid)
        process.wait()
        code, text = -1, f"It took more than {EXPORT_TIMEOUT_S:.0f} s."
    finally:
        log.unlink(missing_ok=True)
    if code != 0 or not out.is_file():
        out.unlink(missing_ok=True)
        logger.error("nnU-Net export of %s ended with %s: %s", model.id, code, text[-2000:])
        raise ModelError(
            f"{model.card.name} could not be written for nnU-Net. {text[-300:]}".strip(),
            "Download the bundle instead, or check the server log.",
        )
    return out
