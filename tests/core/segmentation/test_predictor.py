"""The predictor's behaviour: a plain reference, bad input, cancelling, progress, memory, reuse."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import softmax

from core.errors import JobCancelledError, ModelError, PredictionError
from core.imaging.image import Image, PixelSize
from core.models.store import StoredModel, open_model
from core.segmentation.array_sink import ArraySink
from core.segmentation.predictor import Predictor
from core.settings import ROOT

pytestmark = pytest.mark.filterwarnings("ignore")  # of torch and OpenVINO


@pytest.fixture(scope="module")
def predictor(tiny_model: StoredModel, tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    return Predictor(
        tiny_model, backend="openvino", precision="exact", threads=2, cache_dir=tmp_path_factory.mktemp("c")
    )


def run(predictor: Predictor, pixels: NDArray[Any], **settings: Any) -> ArraySink:
    sink = ArraySink((pixels.shape[0], pixels.shape[1]))
    predictor.predict(Image(np.ascontiguousarray(pixels)), sink, **settings)
    return sink


def test_one_tile_is_the_network_itself(predictor: Predictor, tiny_model: StoredModel, section: NDArray[Any]) -> None:
    import torch

    from core.models.weights import load_network

    pixels = section[100:164, 200:264]
    normal = ((pixels - pixels.mean()) / pixels.std()).astype(np.float32)
    with torch.no_grad():
        scores = load_network(tiny_model, "0")(torch.from_numpy(normal[None, None]))[0].numpy()
    sink = run(predictor, pixels, folds=[0])
    assert (sink.labels_yx == scores.argmax(axis=0)).mean() > 0.999
    assert np.abs(sink.confidence_yx - 255 * softmax(scores, axis=0).max(axis=0)).max() < 2


@pytest.mark.parametrize("value", [0, 1, 255])
@pytest.mark.parametrize("shape", [(1, 1), (1, 200), (70, 70)], ids=str)
@pytest.mark.parametrize("size_nm", [None, 1.0, 20.0])
def test_constant_and_tiny_images(
    predictor: Predictor, shape: tuple[int, int], value: int, size_nm: float | None
) -> None:
    sink = run(predictor, np.full(shape, value, dtype=np.uint8), pixel_size_nm=size_nm, folds=[0])
    assert set(np.unique(sink.labels_yx)) <= set(predictor.model.output_ids)
    assert sink.confidence_yx.min() >= 255 // len(predictor.model.output_ids)


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_other_types_are_not_squeezed(predictor: Predictor, section: NDArray[Any], dtype: type) -> None:
    part = section[:90, :90]
    reference = run(predictor, part, folds=[0]).labels_yx
    wide = run(predictor, part.astype(dtype) * dtype(200), folds=[0]).labels_yx
    assert (wide == reference).mean() > 0.999


def test_output_ids_are_the_schemes(tiny_model: StoredModel, section: NDArray[Any], tmp_path: Path) -> None:
    folder = tmp_path / "renamed"
    folder.mkdir()
    for entry in tiny_model.path.iterdir():
        (folder / entry.name).write_bytes(entry.read_bytes())
    card = json.loads((folder / "card.json").read_text())
    ids = {1: 40, 2: 7, 3: 200, 4: 3}
    for item in card["scheme"]:
        item["id"] = ids[item["id"]]
    card["scheme"].sort(key=lambda item: item["id"])
    card["output_ids"] = [0, *ids.values()]
    (folder / "card.json").write_text(json.dumps(card))
    plain, renamed = (
        run(Predictor(model, backend="openvino", precision="exact", threads=2), section[:80, :80], folds=[0]).labels_yx
        for model in (tiny_model, open_model(folder))
    )
    assert (np.array([0, 40, 7, 200, 3])[plain] == renamed).all() and len(np.unique(renamed)) > 1


def test_progress_rises_to_one_and_estimates(
    predictor: Predictor, section: NDArray[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.segmentation.prediction_run.REPORT_S", 0)
    told: list[tuple[float, str, float | None]] = []
    run(predictor, section[:200, :200], on_progress=lambda *values: told.append(values), mirroring=True)
    fractions = [fraction for fraction, _, _ in told]
    assert fractions == sorted(fractions) and fractions[-1] == 1 and len(fractions) > 10
    assert told[-1][1] == "36 of 36 tiles" and told[-1][2] == 0
    assert all(left is not None and left >= 0 for _, _, left in told)


@pytest.mark.parametrize("backend", ["openvino", "torch-cpu"])
def test_cancelling_stops_between_batches(
    tiny_model: StoredModel, section: NDArray[Any], backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And leaves a predictor that can be used."""
    monkeypatch.setattr("core.segmentation.prediction_run.REPORT_S", 0)
    predictor = Predictor(tiny_model, backend=backend, precision="exact", threads=2)
    asked = 0

    def cancel() -> bool:
        nonlocal asked
        asked += 1
        return asked > 2

    with pytest.raises(JobCancelledError):
        run(predictor, section[:300, :300], should_cancel=cancel, folds=[0])
    assert asked == 3
    assert run(predictor, section[:70, :70], folds=[0]).labels_yx.max() < 255


def test_listeners_are_not_bothered_for_every_tile(predictor: Predictor, section: NDArray[Any]) -> None:
    calls = {"told": 0, "asked": 0}

    def tell(fraction: float, message: str, left: float | None) -> None:
        calls["told"] += 1

    def ask() -> bool:
        calls["asked"] += 1
        return False

    sink = ArraySink((400, 400))
    summary = predictor.predict(Image(section[:400, :400].copy()), sink, on_progress=tell, should_cancel=ask, folds=[0])
    assert summary.tiles == 144
    assert max(calls.values()) <= summary.seconds / 0.2 + 2 and min(calls.values()) >= 1


def test_a_warm_predictor_takes_images_of_any_size(predictor: Predictor, section: NDArray[Any]) -> None:
    first = run(predictor, section[:130, :100], folds=[0])
    run(predictor, section[:40, :300], folds=[0, 1])
    again = run(predictor, section[:130, :100], folds=[0])
    np.testing.assert_array_equal(first.labels_yx, again.labels_yx)
    np.testing.assert_array_equal(first.confidence_yx, again.confidence_yx)


def test_center_weighting_and_wide_steps(predictor: Predictor, section: NDArray[Any]) -> None:
    gaussian = run(predictor, section[:256, :256]).labels_yx
    for settings in ({"weighting": "center"}, {"step": 0.75}):
        assert (run(predictor, section[:256, :256], **settings).labels_yx == gaussian).mean() > 0.9


def test_summary_is_plain_and_tells_the_scale(predictor: Predictor, section: NDArray[Any]) -> None:
    image = Image(np.ascontiguousarray(section[:64, :64]), PixelSize.from_user(9.2))
    summary = predictor.predict(image, ArraySink(image.shape))
    assert json.loads(json.dumps(dataclasses.asdict(summary)))["scale_factor"] == 2.0
    assert "enlarged by 2" in summary.notices[0]
    unknown = predictor.predict(Image(image.pixels_yx), ArraySink(image.shape))
    assert unknown.scale_factor == 1 and "unknown" in unknown.notices[0]


def test_unusable_settings_are_named(predictor: Predictor, tiny_model: StoredModel, section: NDArray[Any]) -> None:
    part = section[:64, :64]
    with pytest.raises(PredictionError, match="step"):
        run(predictor, part, step=0)
    with pytest.raises(PredictionError, match="hann"):
        run(predictor, part, weighting="hann")
    with pytest.raises(ModelError, match="no fold 7"):
        run(predictor, part, folds=[7])
    with pytest.raises(PredictionError, match="No fold"):
        run(predictor, part, folds=[])
    with pytest.raises(PredictionError, match="factor of"):
        run(predictor, part, pixel_size_nm=100_000)
    with pytest.raises(PredictionError, match="tensorrt"):
        Predictor(tiny_model, backend="tensorrt")
    with pytest.raises(PredictionError, match="double"):
        Predictor(tiny_model, precision="double")


def test_a_second_start_needs_no_torch_and_reports_to_nobody(
    tiny_model: StoredModel, tmp_path: Path, section: NDArray[Any]
) -> None:
    """OpenVINO's telemetry asks the network at import unless it is kept from it."""
    np.save(tmp_path / "part.npy", section[:90, :90])
    cache, home = tmp_path / "cache", tmp_path / "home"
    home.mkdir()
    first = Predictor(tiny_model, backend="openvino", precision="exact", threads=2, cache_dir=cache)
    expected = run(first, section[:90, :90]).labels_yx
    assert len(list(cache.glob("*.xml"))) == 2 and not list(cache.glob(".*"))
    code = f"""
import socket, sys, threading
def refuse(*arguments): raise SystemExit(f"network: {{arguments}}")
socket.socket.connect = socket.getaddrinfo = refuse
import numpy as np
from pathlib import Path
from core.imaging.image import Image
from core.segmentation.array_sink import ArraySink
from core.models.store import open_model
from core.segmentation.predictor import Predictor
model, image = open_model(Path({str(tiny_model.path)!r})), Image(np.load({str(tmp_path / "part.npy")!r}))
predictor = Predictor(model, backend="openvino", precision="exact", threads=2, cache_dir=Path({str(cache)!r}))
sink = ArraySink(image.shape)
predictor.predict(image, sink)
np.save({str(tmp_path / "out.npy")!r}, sink.labels_yx)
heavy = {{"torch", "nnunetv2", "openvino_telemetry.main"}} & set(sys.modules)
assert not heavy, heavy
assert not [t for t in threading.enumerate() if t is not threading.main_thread()]
"""
    environment = {key: value for key, value in os.environ.items() if key not in ("CI", "TF_BUILD", "JENKINS_URL")}
    environment |= {"HOME": str(home), "LOCALAPPDATA": str(home), "PYTHONPATH": str(ROOT)}
    answer = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    assert not [entry for entry in home.rglob("*") if "telemetry" in entry.name.lower()]
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), expected)


@pytest.mark.parametrize("suffix", [".xml", ".bin"])
def test_a_damaged_cache_entry_is_made_anew(
    tiny_model: StoredModel, tmp_path: Path, section: NDArray[Any], suffix: str
) -> None:
    part, expected = section[:64, :64], None
    for damaged in (False, True):
        for entry in tmp_path.glob(f"*{suffix}") if damaged else ():
            entry.write_bytes(entry.read_bytes()[:1000])
        predictor = Predictor(tiny_model, backend="openvino", precision="exact", cache_dir=tmp_path)
        labels = run(predictor, part, folds=[0]).labels_yx
        expected = labels if expected is None else expected
        np.testing.assert_array_equal(labels, expected)
    assert min(entry.stat().st_size for entry in tmp_path.iterdir()) > 1000
