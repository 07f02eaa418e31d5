"""Checkpoints that survive a kill at any moment: two slots, written in turn, each replaced atomically, no pickle.

A slot is one safetensors file: tensors named ``network/…``, ``optimizer/…``, ``average/…``, ``best/…``, and the rest of
the state as JSON in its metadata. The newest slot that is complete counts.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from core.errors import ModelError
from core.files import replacing
from core.models.store import read_safetensors_header
from core.models.weights import as_os_error

if TYPE_CHECKING:
    from torch import Tensor

SLOTS: Final = ("checkpoint_a.safetensors", "checkpoint_b.safetensors")

STATE: Final = "state"


@dataclass(slots=True)
class Checkpoint:
    """One state of a training.

    Parameters
    ----------
    tensors
        Group ("network", "optimizer", "average", "best") to name to tensor.
    state
        Plain values: epoch, iterations, elapsed_s, history, …
    """

    tensors: dict[str, dict[str, Tensor]]
    state: dict[str, Any]

    @property
    def epoch(self) -> int:
        """Finished epochs."""
        return int(self.state["epoch"])


def save_checkpoint(folder: Path, checkpoint: Checkpoint) -> Path:
    """Write into the slot whose turn it is; the other keeps the epoch before.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    StorageFullError
        The disk is full; both slots are as they were.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    path = folder / SLOTS[checkpoint.epoch % 2]
    flat = {
        f"{group}/{name}": tensor.detach().cpu().contiguous().clone()
        for group, named in checkpoint.tensors.items()
        for name, tensor in named.items()
    }
    with replacing(path) as temporary:
        try:
            save_file(flat, temporary, metadata={STATE: json.dumps(checkpoint.state)})
        except SafetensorError as error:
            raise as_os_error(error, path) from error
    return path


def load_checkpoint(folder: Path) -> tuple[Checkpoint | None, tuple[str, ...]]:
    """The newest complete checkpoint, and a sentence about each one that is not.

    Returns
    -------
    Checkpoint or None
        None where there is none yet.
    notices
        For people.
    """
    found, notices = [], []
    for name in SLOTS:
        path = folder / name
        if not path.exists():
            continue
        try:
            found.append((_read_state(path)["epoch"], path))
        except (ModelError, ValueError, KeyError) as error:
            notices.append(f"The checkpoint {name} is damaged and was ignored ({error}).")
    if not found:
        return None, tuple(notices)
    _, path = max(found, key=lambda item: item[0])
    return _read(path), tuple(notices)


def _read_state(path: Path) -> dict[str, Any]:
    from safetensors import SafetensorError, safe_open

    read_safetensors_header(path)
    try:
        with safe_open(path, framework="pt") as handle:
            state = json.loads((handle.metadata() or {})[STATE])
    except SafetensorError as error:
        raise ValueError(str(error)) from error
    if not isinstance(state, dict) or not isinstance(state.get("epoch"), int):
        raise ValueError("its state is not readable")
    return state


def _read(path: Path) -> Checkpoint:
    """The whole file, copied: Windows replaces no file that a tensor is still mapped to."""
    from safetensors import safe_open

    tensors: dict[str, dict[str, Tensor]] = {}
    with safe_open(path, framework="pt") as handle:
        for name in handle.keys():  # noqa: SIM118 - it is no dict
            group, _, inner = name.partition("/")
            tensors.setdefault(group, {})[inner] = handle.get_tensor(name).clone()
    return Checkpoint(tensors, _read_state(path))
