"""Prediction side by side with nnU-Net's own command, in one run on one image.

    python benchmarks/prediction.py --size 4096                            # default model, phantom
    python benchmarks/prediction.py --model models/round-2 --images DIR    # mosaic of real images

``nnUNetv2_predict_from_modelfolder`` works on the exported model in its own process, as its users start it. Cristae
works in a fresh process too: cold (nothing converted yet), cold again (converted network in the cache), and warm (the
same process, next image). Seconds are wall time with start-up; memory is the peak of the process and its children.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray
from PIL import Image as PillowImage

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

SAMPLE_S = 0.05
"""How often memory is looked at."""


def main() -> None:
    """Measure and print."""
    options = parse()
    if options.child:
        child(json.loads(options.child))
        return
    from core.models.store import open_model

    model_dir = options.model or default_model()
    model = open_model(model_dir)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        pixels = make_image(options.images, options.size, model.pixel_size_nm or 8.0)
        np.save(folder / "image.npy", pixels)
        print(
            f"{model.id}: {pixels.shape[0]} x {pixels.shape[1]} px, tiles of {model.patch_size_px}, step {options.step}"
        )
        print(f"{'':34}{'seconds':>9}{'peak MB':>9}{'ratio':>7}  agreement")
        reference: NDArray[Any] | None = None
        base_s = None
        if not options.skip_nnunet:
            seconds, peak, reference = nnunet(model, pixels, folder, options)
            base_s = seconds
            print_row("nnUNetv2_predict_from_modelfolder", seconds, peak, base_s, None)
        for precision in options.precision:
            ours(model_dir, folder, options, precision, base_s, reference)


def parse() -> argparse.Namespace:
    """Command-line options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="folder of a stored model; default: the store's default")
    parser.add_argument("--images", type=Path, help="folder of 8-bit images to make a mosaic of; default: a phantom")
    parser.add_argument("--size", type=int, default=4096, help="edge of the image in pixels")
    parser.add_argument("--step", type=float, default=0.5)
    parser.add_argument("--backend", default="auto")
    parser.add_argument("--precision", nargs="+", default=["exact", "fast"])
    parser.add_argument("--mirroring", action="store_true")
    parser.add_argument("--threads", type=int, default=0, help="0: all")
    parser.add_argument("--device", default="cpu", help="of nnU-Net: cpu, cuda or mps")
    parser.add_argument("--skip-nnunet", action="store_true")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    return parser.parse_args()


def default_model() -> Path:
    """Folder of the model that is used where none is named."""
    from core.models.store import ModelStore
    from core.settings import current_settings

    model = ModelStore(current_settings().models_dir).default()
    if model is None:
        sys.exit("There is no model in the store; give one with --model.")
    return model.path


def make_image(images: Path | None, size: int, pixel_size_nm: float) -> NDArray[np.uint8]:
    """A square image: a mosaic of the images in a folder (different ones while they last), or a phantom."""
    if images is None:
        from core.phantom import generate_phantom

        return generate_phantom(3, size, pixel_size_nm=pixel_size_nm).image_yx
    parts = [np.asarray(PillowImage.open(path).convert("L")) for path in sorted(images.glob("*.png"))]
    if not parts:
        sys.exit(f"There are no .png files in {images}.")
    mosaic = np.zeros((size, size), dtype=np.uint8)
    height, width = parts[0].shape
    number = 0
    for row in range(0, size, height):
        for column in range(0, size, width):
            part = parts[number % len(parts)][: size - row, : size - column]
            mosaic[row : row + part.shape[0], column : column + part.shape[1]] = part
            number += 1
    return mosaic


def nnunet(
    model: Any, pixels: NDArray[Any], folder: Path, options: argparse.Namespace
) -> tuple[float, float, NDArray[Any]]:
    """Seconds, peak MB and labels of nnU-Net's own command."""
    from core.exchange.nnunet_export import export_nnunet

    archive, source, target = folder / "model.zip", folder / "in", folder / "out"
    export_nnunet(model, archive)
    with zipfile.ZipFile(archive) as handle:
        handle.extractall(folder / "model")
    trained = next((folder / "model").rglob("plans.json")).parent
    ending = json.loads((trained / "dataset.json").read_text())["file_ending"]
    source.mkdir()
    PillowImage.fromarray(pixels).save(source / f"case_0000{ending}")
    command = [str(Path(sys.executable).parent / "nnUNetv2_predict_from_modelfolder")]
    command += ["-i", str(source), "-o", str(target), "-m", str(trained), "-f", *model.folds]
    command += ["-step_size", str(options.step), "-device", options.device, "--disable_progress_bar"]
    command += [] if options.mirroring else ["--disable_tta"]
    seconds, peak, _ = watched(command, {"nnUNet_compile": "f"})
    labels = np.asarray(PillowImage.open(target / f"case{ending}"))
    return seconds, peak, np.array(model.output_ids, dtype=np.uint8)[labels]


def ours(
    model_dir: Path,
    folder: Path,
    options: argparse.Namespace,
    precision: str,
    base_s: float | None,
    reference: NDArray[Any] | None,
) -> None:
    """Cold, cold with the cache, and warm."""
    job = {
        "model": str(model_dir),
        "image": str(folder / "image.npy"),
        "out": str(folder / "labels.npy"),
        "cache": str(folder / f"cache-{precision}"),
        "backend": options.backend,
        "precision": precision,
        "threads": options.threads,
        "step": options.step,
        "mirroring": options.mirroring,
    }
    for name in ("cold", "cold, cached"):
        seconds, peak, told = watched([sys.executable, __file__, "--child", json.dumps(job)], {})
        result = json.loads(told.splitlines()[-1])
        agreement = None if reference is None else float((np.load(folder / "labels.npy") == reference).mean())
        what = f"{result['backend']} {result['precision']}"
        print_row(f"{what}, {name}", seconds - result["warm_s"], peak, base_s, agreement)
    print_row(f"{what}, warm", result["warm_s"], peak, base_s, agreement)


def child(job: dict[str, Any]) -> None:
    """Predict twice in this process; the summary and the seconds of the second time as JSON."""
    from core.imaging.image import Image
    from core.models.store import open_model
    from core.segmentation.array_sink import ArraySink
    from core.segmentation.predictor import Predictor

    image = Image(np.load(job["image"], mmap_mode="r"))
    predictor = Predictor(
        open_model(Path(job["model"])),
        backend=job["backend"],
        precision=job["precision"],
        threads=job["threads"],
        cache_dir=Path(job["cache"]),
    )
    for _ in range(2):
        sink = ArraySink(image.shape)
        start = time.perf_counter()
        summary = predictor.predict(image, sink, step=job["step"], mirroring=job["mirroring"])
        warm_s = time.perf_counter() - start
    np.save(job["out"], sink.labels_yx)
    print(json.dumps({**dataclasses.asdict(summary), "warm_s": warm_s}))


def watched(command: list[str], variables: dict[str, str]) -> tuple[float, float, str]:
    """Run a command; its wall seconds, the peak of its and its children's resident memory in MB, and its output."""
    start = time.perf_counter()
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, **variables})
        watched_process, peak = psutil.Process(process.pid), 0
        while process.poll() is None:
            peak = max(peak, resident(watched_process))
            time.sleep(SAMPLE_S)
        seconds = time.perf_counter() - start
        output.seek(0)
        told = output.read()
    if process.returncode != 0:
        sys.exit(f"{' '.join(command[:2])} failed:\n{told[-3000:]}")
    return seconds, peak / 1e6, told


def resident(process: psutil.Process) -> int:
    """Bytes of a process and its children, shared pages counted for each."""
    total = 0
    try:
        for one in [process, *process.children(recursive=True)]:
            total += one.memory_info().rss
    except psutil.Error:
        pass
    return total


def print_row(name: str, seconds: float, peak: float, base_s: float | None, agreement: float | None) -> None:
    """One line of the table."""
    ratio = f"{base_s / seconds:7.1f}" if base_s else f"{'':7}"
    print(f"{name:34}{seconds:9.1f}{peak:9.0f}{ratio}  {'' if agreement is None else f'{agreement:.5f}'}", flush=True)


if __name__ == "__main__":
    main()
