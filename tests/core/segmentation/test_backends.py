"""Which backends there are, how one is chosen, and when a fast precision is accepted."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from core.errors import PredictionError
from core.models.store import StoredModel
from core.segmentation import backends
from core.segmentation.backends import BACKENDS, available_backends, choose_backend
from core.segmentation.backends.base import BackendInfo, NetworkRequest, Work
from core.segmentation.backends.calibration import Trial, compare
from core.segmentation.backends.torch_backend import TorchBackend, TorchNetwork
from core.settings import ROOT


class Fake:
    def __init__(self, name: str, reason: str = "") -> None:
        self.name, self.reason = name, reason

    def info(self) -> BackendInfo:
        return BackendInfo(self.name, "device", not self.reason, self.reason)


def test_auto_takes_the_first_that_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    fakes = (Fake("torch-cuda", "No driver."), Fake("openvino"), Fake("torch-cpu"))
    monkeypatch.setattr(backends, "BACKENDS", fakes)
    assert choose_backend("auto") is fakes[1]
    assert choose_backend("torch") is fakes[2]
    assert choose_backend("torch-cpu") is fakes[2]
    with pytest.raises(PredictionError, match="No driver"):
        choose_backend("torch-cuda")
    with pytest.raises(PredictionError, match="Use auto"):
        choose_backend("onnx")


def test_order_of_preference() -> None:
    assert [backend.name for backend in BACKENDS] == ["torch-cuda", "torch-mps", "openvino", "torch-cpu"]


def test_listing_does_not_bring_torch_into_the_process() -> None:
    code = (
        "import sys\n"
        "from core.segmentation.backends import available_backends\n"
        "infos = available_backends()\n"
        "assert not {'torch', 'openvino', 'nnunetv2'} & set(sys.modules)\n"
        "print(*[f'{i.name} {i.available} {i.reason or i.device}' for i in infos], sep='\\n')\n"
    )
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    lines = answer.stdout.splitlines()
    assert len(lines) == 4 and all(len(line.split()) > 2 for line in lines)
    assert any(line.startswith("openvino True") for line in lines)


def test_a_probe_that_fails_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends.sys, "modules", {})
    monkeypatch.setattr(backends.sys, "executable", str(ROOT / "no-such-python"))
    available_backends.cache_clear()
    try:
        infos = available_backends()
    finally:
        available_backends.cache_clear()
    assert len(infos) == 4 and not any(info.available for info in infos)
    assert "FileNotFoundError" in infos[0].reason and "doctor" in infos[0].reason


class Network:
    """Says class 1 where a pixel is above a threshold."""

    batch = 2

    def __init__(self, precision: str, threshold: float) -> None:
        self.precision, self.threshold = precision, threshold

    def stream(self, work: Iterable[Work]) -> Iterator[NDArray[np.float32]]:
        for piece in work:
            yield np.concatenate([np.full_like(piece.tiles, self.threshold), piece.tiles], axis=1)

    def array(self, scores: Any) -> Any:
        return scores


def test_trial_measures_agreement() -> None:
    tiles = np.linspace(0, 1, 1000, dtype=np.float32).reshape(5, 1, 10, 20)
    trial = compare(Network("float32", 0.5), Network("bfloat16", 0.51), tiles)  # type: ignore[arg-type]
    assert trial.precision == "bfloat16" and trial.agreement == pytest.approx(0.99)
    assert not trial.accepted


@pytest.mark.parametrize(
    ("agreement", "speed", "accepted"), [(0.999, 2.0, True), (0.9969, 2.0, False), (0.999, 1.01, False)]
)
def test_a_fast_precision_must_agree_and_be_faster(agreement: float, speed: float, accepted: bool) -> None:
    assert Trial("bfloat16", agreement, speed).accepted is accepted


@pytest.mark.filterwarnings("ignore")
def test_a_batch_that_does_not_fit_goes_in_halves(tiny_model: StoredModel, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    network = TorchBackend("cpu").open(NetworkRequest(tiny_model, ("0",), "float32", 1))
    assert isinstance(network, TorchNetwork)
    tiles = np.random.default_rng(0).normal(size=(5, 1, 64, 64)).astype(np.float32)
    (whole,) = [network.array(scores).copy() for scores in network.stream([Work(0, tiles)])]
    forward = network._forward

    def short_of_memory(room: int) -> Any:
        def run(fold: int, some: torch.Tensor) -> torch.Tensor:
            if len(some) > room:
                raise torch.OutOfMemoryError("out of memory")
            return forward(fold, some)

        return run

    monkeypatch.setattr(network, "_forward", short_of_memory(2))
    (halves,) = [network.array(scores) for scores in network.stream([Work(0, tiles)])]
    np.testing.assert_allclose(halves, whole, atol=1e-4)
    monkeypatch.setattr(network, "_forward", short_of_memory(0))
    with pytest.raises(PredictionError, match="64 x 64 px does not fit"):
        list(network.stream([Work(0, tiles)]))
