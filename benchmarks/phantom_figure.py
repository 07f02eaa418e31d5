"""Draw docs/images/phantom.png, the synthetic micrograph of the README: ``python -m benchmarks.phantom_figure``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from core.files import replacing
from core.imaging.overlay import OverlayStyle, render_overlay
from core.label_scheme import DEFAULT_SCHEME
from core.phantom import Look, generate_phantom

DEFAULT_OUT: Final = Path(__file__).resolve().parents[1] / "docs" / "images" / "phantom.png"

SIZE_PX: Final = 1200
"""Edge of the phantom; both panels show it at half size."""

COLORS: Final = 256
"""Colours of the saved palette: detector noise in full colour would make the file three times as large."""

DEFAULT_SEED: Final = 50


def draw(out: Path, seed: int) -> None:
    """Write the micrograph and its labelled copy side by side as one PNG."""
    look = Look(noise=0.015, shot_noise=0.01, scratches=0.0, precipitate=1.0)
    # one fixed look, so that a new range in Look.random does not change the README
    phantom = generate_phantom(seed, SIZE_PX, look=look)
    image = np.asarray(Image.fromarray(phantom.image_yx).reduce(2))
    labels = phantom.labels_yx[::2, ::2]
    figure = render_overlay(
        np.hstack([image, image]),
        np.hstack([np.zeros_like(labels), labels]),
        DEFAULT_SCHEME,
        2 * phantom.pixel_size_nm,
        OverlayStyle(opacity=0.5),
    )
    with replacing(out) as temporary:
        figure.quantize(COLORS, dither=Image.Dither.NONE).save(temporary, format="PNG", optimize=True)


def main() -> None:
    """Read the command line and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--out", type=Path, default=DEFAULT_OUT, help="file to write (default: docs/images/phantom.png)"
    )
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED, help="another piece of tissue")
    arguments = parser.parse_args()
    draw(arguments.out, arguments.seed)
    print(f"{arguments.out}: {arguments.out.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
