"""torch on CUDA, MPS and CPU. Imports torch when used, never before."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from core.errors import PredictionError
from core.models.weights import load_network
from core.program import INSTALL_ADVICE
from core.segmentation.backends.base import FLOAT32, BackendInfo, NetworkRequest, TileNetwork, Work, cpu_name
from core.segmentation.stitching import Band, ScoreBand
from core.segmentation.tiling import TilePlan, Weighting

if TYPE_CHECKING:
    import torch

CUDA_BATCH_PX: Final = 4 * 1024 * 1024
"""Pixels per run on a CUDA card: enough to keep one busy, below 3 GB of activations for nnU-Net's default features."""

OTHER_BATCH_PX: Final = 128 * 1024
"""Pixels per run elsewhere: larger batches only fall out of the caches."""

MAX_BATCH: Final = 64
"""Tiles per run, however small they are."""


class TorchBackend:
    """torch on one kind of device.

    Parameters
    ----------
    kind
        "cuda", "mps" or "cpu".
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.name = f"torch-{kind}"

    @property
    def precisions(self) -> tuple[str, ...]:
        """float32, and half precision where the device has it. MPS stays with float32, as nnU-Net does."""
        return {"cuda": (FLOAT32, "float16"), "cpu": (FLOAT32, "bfloat16")}.get(self.kind, (FLOAT32,))

    def info(self) -> BackendInfo:
        """Whether this machine has it; imports torch where that alone can tell."""
        absent = no_torch() or KINDS[self.kind]()
        if absent:
            return BackendInfo(self.name, self.kind.upper(), False, absent)
        return BackendInfo(self.name, self._device_name(), True)

    def open(self, request: NetworkRequest) -> TileNetwork:
        """Make a network ready: weights on the device, channels last."""
        import torch

        if self.kind == "cpu":
            torch.set_num_threads(request.threads)
        try:
            return TorchNetwork(request, torch.device(self.kind))
        except torch.OutOfMemoryError as error:
            raise PredictionError(
                f"{self._device_name()} is out of memory for model {request.model.id}.",
                "Close other programs that use the card, or choose the backend openvino or torch-cpu.",
            ) from error

    def _device_name(self) -> str:
        """For people."""
        if self.kind == "cuda":
            import torch

            return str(torch.cuda.get_device_name(0))
        return "Apple GPU" if self.kind == "mps" else cpu_name()


class TorchNetwork:
    """The folds of a model on one device."""

    def __init__(self, request: NetworkRequest, device: torch.device) -> None:
        import torch

        self.precision = request.precision
        self.device = device
        rows, columns = request.model.patch_size_px
        limit = CUDA_BATCH_PX if device.type == "cuda" else OTHER_BATCH_PX
        self.batch = min(max(limit // (rows * columns), 1), MAX_BATCH)
        self._classes = len(request.model.output_ids)
        self._networks = [
            load_network(request.model, fold).to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
            for fold in request.folds
        ]
        if device.type == "cpu":
            from core.segmentation.instance_norm import keep_channels_last

            for network in self._networks:
                keep_channels_last(network)

    def stream(self, work: Iterable[Work]) -> Iterator[Any]:
        """Scores as tensors on the device."""
        for piece in work:
            yield self._run(piece.fold, piece.tiles)

    def band(self, plan: TilePlan, weighting: Weighting, passes: int) -> Band:
        """On the device; plain NumPy on the CPU."""
        if self.device.type == "cpu":
            return _HostBand(plan, self._classes, self.batch, weighting, passes)
        from core.segmentation.backends.torch_band import TorchBand

        return TorchBand(plan, self._classes, self.batch, weighting, passes, self.device)

    def array(self, scores: Any) -> NDArray[np.float32]:
        """As NumPy sees them."""
        values: NDArray[np.float32] = scores.float().cpu().numpy()
        return values

    def _run(self, fold: int, tiles: NDArray[np.float32]) -> torch.Tensor:
        """Scores of some tiles; a batch that does not fit into the device's memory goes in halves."""
        import torch

        try:
            return self._forward(fold, torch.from_numpy(tiles))
        except torch.OutOfMemoryError as error:
            if len(tiles) == 1:
                raise PredictionError(
                    f"One tile of {tiles.shape[2]} x {tiles.shape[3]} px does not fit into memory ({self.device}).",
                    "Close other programs that use it, or choose the backend openvino or torch-cpu.",
                ) from error
        middle = len(tiles) // 2
        return torch.cat([self._run(fold, tiles[:middle]), self._run(fold, tiles[middle:])])

    def _forward(self, fold: int, tiles: torch.Tensor) -> torch.Tensor:
        """One forward pass."""
        import torch

        if self.device.type == "cuda":
            tiles = tiles.pin_memory().to(self.device, non_blocking=True)
        tiles = tiles.to(self.device).contiguous(memory_format=torch.channels_last)
        with ExitStack() as stack:
            stack.enter_context(torch.inference_mode())
            exact = self.precision == FLOAT32
            if not exact:
                stack.enter_context(torch.autocast(self.device.type, dtype=getattr(torch, self.precision)))
            if self.device.type == "cuda":
                stack.enter_context(torch.backends.cudnn.flags(enabled=True, benchmark=True, allow_tf32=not exact))
            scores: torch.Tensor = self._networks[fold](tiles)
        return scores


class _HostBand(ScoreBand):
    """A `ScoreBand` that takes tensors in main memory."""

    def add(self, scores: Any, tiles: range, flipped: Any = ()) -> None:
        """As `ScoreBand.add`."""
        super().add(scores.float().numpy(), tiles, flipped)


def no_torch() -> str:
    """Why torch cannot be used, without importing it; empty if it can."""
    from importlib.util import find_spec

    missing = [name for name in ("torch", "nnunetv2") if find_spec(name) is None]
    return f"{' and '.join(missing)} not installed. {INSTALL_ADVICE}" if missing else ""


@lru_cache(maxsize=1)
def no_cuda() -> str:
    """Why CUDA cannot be used; imports torch only where a driver and a CUDA build are there. Empty if it can."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        build = version("torch")
    except PackageNotFoundError:
        build = ""
    if build.endswith("+cpu"):
        return f"torch {build} is a build without CUDA; install a CUDA build to use an NVIDIA card."
    if not _has_nvidia_driver():
        return "No NVIDIA driver was found."
    import torch

    if not torch.cuda.is_available():
        return "torch found no usable NVIDIA card; check the driver and CUDA_VISIBLE_DEVICES."
    return ""


def no_mps() -> str:
    """Why Apple's GPU cannot be used; imports torch only on such a machine. Empty if it can."""
    if platform.system() != "Darwin":
        return "Only on Macs."
    import torch

    return (
        ""
        if torch.backends.mps.is_available()
        else ("torch found no Apple GPU; Apple silicon and macOS 14 are required.")
    )


KINDS: Final[dict[str, Callable[[], str]]] = {"cuda": no_cuda, "mps": no_mps, "cpu": no_torch}
"""Kinds of device, and what says why there is none."""


def _has_nvidia_driver() -> bool:
    """Whether the driver's library can be found, which costs nothing, where importing torch takes seconds."""
    import ctypes

    for name in ("nvcuda.dll",) if platform.system() == "Windows" else ("libcuda.so.1", "libcuda.so"):
        try:
            ctypes.CDLL(name)
        except OSError:
            continue
        return True
    return False
