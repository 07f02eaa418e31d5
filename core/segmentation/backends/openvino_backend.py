"""OpenVINO on the CPU. The network is converted once with torch; from then on torch is not needed.

Its telemetry stays off: OpenVINO reports every import to its maker unless its telemetry package is missing, so we make
it missing before the first import.
"""

from __future__ import annotations

import hashlib
import json
import logging
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.errors import PredictionError
from core.files import replacing
from core.program import INSTALL_ADVICE
from core.segmentation.backends.base import FLOAT32, BackendInfo, NetworkRequest, TileNetwork, Work, cpu_name
from core.segmentation.backends.torch_backend import no_torch
from core.segmentation.stitching import Band, ScoreBand
from core.segmentation.tiling import TilePlan, Weighting

_log = logging.getLogger(__name__)

CACHE_FORMAT: Final = 1
"""Part of the cache key: raise it when what is converted changes."""

HINTS: Final = {FLOAT32: "f32", "bfloat16": "bf16", "float16": "f16"}
"""Our names of precisions, and OpenVINO's."""


class OpenVinoBackend:
    """OpenVINO on the CPU."""

    name = "openvino"

    @property
    def precisions(self) -> tuple[str, ...]:
        """float32, and what else the processor computes natively."""
        capabilities = import_openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        return (FLOAT32, *(ours for name, ours in (("FP16", "float16"), ("BF16", "bfloat16")) if name in capabilities))

    def info(self) -> BackendInfo:
        """Whether this machine has it; does not import it."""
        from importlib.util import find_spec

        reason = "" if find_spec("openvino") else f"openvino is not installed. {INSTALL_ADVICE}"
        return BackendInfo(self.name, cpu_name(), not reason, reason)

    def open(self, request: NetworkRequest) -> TileNetwork:
        """Make a network ready: converted, or read from the cache, and compiled for this processor."""
        return OpenVinoNetwork(request)


class OpenVinoNetwork:
    """The folds of a model, compiled: one tile per run, as many runs at a time as the processor likes."""

    def __init__(self, request: NetworkRequest) -> None:
        self.precision = request.precision
        self.batch = 1
        self._classes = len(request.model.output_ids)
        self._compiled = [_compile(request, fold) for fold in request.folds]
        self._requests = self._compiled[0].get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS")

    def stream(self, work: Iterable[Work]) -> Iterator[Any]:
        """Scores as arrays that live until the next are asked for."""
        idle: dict[int, list[Any]] = {fold: [] for fold in range(len(self._compiled))}
        running: deque[tuple[Work, Any]] = deque()
        try:
            for piece in work:
                request = (
                    idle[piece.fold].pop() if idle[piece.fold] else self._compiled[piece.fold].create_infer_request()
                )
                request.set_input_tensor(import_openvino().Tensor(piece.tiles, shared_memory=True))
                request.start_async()
                running.append((piece, request))
                if len(running) > self._requests:
                    yield from self._next(running, idle)
            while running:
                yield from self._next(running, idle)
        finally:
            for _, request in running:
                request.cancel()

    def _next(self, running: deque[tuple[Work, Any]], idle: dict[int, list[Any]]) -> Iterator[Any]:
        """The oldest run's result; the run is free again once that was used."""
        piece, request = running.popleft()
        request.wait()
        yield request.get_output_tensor().data
        idle[piece.fold].append(request)

    def band(self, plan: TilePlan, weighting: Weighting, passes: int) -> Band:
        """In main memory."""
        return ScoreBand(plan, self._classes, self.batch, weighting, passes)

    def array(self, scores: Any) -> NDArray[np.float32]:
        """A copy."""
        return np.array(scores, dtype=np.float32)


@lru_cache(maxsize=1)
def import_openvino() -> Any:
    """The module, imported so that it reports nothing to anybody.

    Raises
    ------
    PredictionError
        It is not installed or does not load.
    """
    if "openvino" not in sys.modules:
        sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
    try:
        import openvino
    except ImportError as error:
        raise PredictionError(f"openvino cannot be loaded ({error}).", INSTALL_ADVICE) from error
    return openvino


def _compile(request: NetworkRequest, fold: str) -> Any:
    """One fold, ready to run on one tile."""
    openvino = import_openvino()
    core = openvino.Core()
    network = _converted(request, fold, core)
    network.reshape([1, 1, *request.model.patch_size_px])
    options = {
        "PERFORMANCE_HINT": "THROUGHPUT",
        "INFERENCE_PRECISION_HINT": HINTS[request.precision],
        "INFERENCE_NUM_THREADS": request.threads,
    }
    try:
        return core.compile_model(network, "CPU", options)
    except RuntimeError as error:
        raise PredictionError(
            f"OpenVINO cannot run model {request.model.id} ({str(error).splitlines()[-1].strip()}).",
            "Choose the backend torch-cpu, and report this bug.",
        ) from error


def _converted(request: NetworkRequest, fold: str, core: Any) -> Any:
    """The network in OpenVINO's form, from the cache where it is there; a damaged entry is made anew."""
    if request.cache_dir is None:
        return _convert(request, fold)
    path = request.cache_dir / f"{_cache_key(request, fold)}.xml"
    if _is_whole(path):
        try:
            return core.read_model(path)
        except RuntimeError:
            _log.warning("The cached network %s is damaged and is created again.", path)
    network = _convert(request, fold)
    _save(network, path)
    return network


def _is_whole(path: Path) -> bool:
    """Whether a cache entry is there and was written to its end."""
    return path.with_suffix(".bin").is_file() and path.is_file() and path.read_bytes().rstrip().endswith(b"</net>")


def _convert(request: NetworkRequest, fold: str) -> Any:
    """Needs torch, takes some seconds."""
    absent = no_torch()
    if absent:
        raise PredictionError("The model must first be converted for OpenVINO, which requires torch.", absent)
    import torch

    from core.models.weights import load_network

    network = load_network(request.model, fold)
    example = torch.zeros((1, 1, *request.model.patch_size_px))
    with torch.no_grad():
        return import_openvino().convert_model(network, example_input=example)


def _save(network: Any, path: Path) -> None:
    """Weights first, description last, so that a half-written entry is never read."""
    with replacing(path) as description, replacing(path.with_suffix(".bin")) as weights:
        scratch = description.with_name(f"{description.name}.xml")
        try:
            import_openvino().save_model(network, scratch, compress_to_fp16=False)
            scratch.replace(description)
            scratch.with_suffix(".bin").replace(weights)
        finally:
            scratch.unlink(missing_ok=True)
            scratch.with_suffix(".bin").unlink(missing_ok=True)


def _cache_key(request: NetworkRequest, fold: str) -> str:
    """Everything that the converted network depends on."""
    with request.model.weights(fold).open("rb") as handle:
        weights = hashlib.file_digest(handle, "sha256").hexdigest()
    parts = [
        CACHE_FORMAT,
        import_openvino().__version__,
        weights,
        request.model.configuration["architecture"],
        request.model.patch_size_px,
        len(request.model.output_ids),
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]
