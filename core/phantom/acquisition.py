"""From stain density to an 8-bit micrograph: damage to the section, the microscope and its detector."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from core.phantom.fields import Axis, Float, Frame, band, blend, noise, ramp
from core.phantom.layout import Part, stream
from core.phantom.look import Look
from core.phantom.shapes import disc


def image_density(density: Float, frame: Frame, look: Look, seed: int) -> NDArray[np.uint8]:
    """The micrograph of a stained section.

    Parameters
    ----------
    density
        float32, 0 (no stain) to 1 (black); is changed.

    Returns
    -------
    NDArray
        uint8, same shape.
    """
    rng = stream(seed, Part.DAMAGE)
    _draw_marks(density, frame, look, rng)
    _draw_precipitate(density, frame, look, rng)
    light = 1 - density
    light += _drift(frame, look, rng)
    light = ndimage.gaussian_filter(light, look.blur_nm / frame.pixel_nm, truncate=3.0)
    light = np.clip(light, 0.01, 1.2) ** np.float32(look.gamma)
    _add_noise(light, frame, look, seed)
    if look.inverted:
        light = light.max() - light
    # the microscopist's contrast: most of the histogram inside the range, ends clipped a little
    low, middle, high = np.percentile(
        light[:: max(1, light.shape[0] // 256), :: max(1, light.shape[1] // 256)], [1, 50, 99]
    )
    scale = look.contrast / max(float(high - low), 0.05)
    value = (light - middle) * scale + look.brightness
    pixels: NDArray[np.uint8] = np.clip(np.rint(value * 255), 0, 255).astype(np.uint8)
    return pixels


def _draw_marks(density: Float, frame: Frame, look: Look, rng: np.random.Generator) -> None:
    """Knife marks, folds and chatter, all running in about the direction of cutting."""
    whole = frame.whole()
    height, width = frame.extent_nm
    heading = rng.uniform(0, np.pi)
    wave_nm, phase = rng.uniform(500, 1500), rng.uniform(0, 2 * np.pi)
    across = _position(whole.y, whole.x, heading + np.pi / 2)
    density += np.float32(look.chatter) * np.sin(across * np.float32(2 * np.pi / wave_nm) + np.float32(phase))
    area = height * width / 268e6
    ragged = noise(rng, frame, 300.0)
    for kind, count in (
        ("scratch", rng.poisson(look.scratches * area**0.5)),
        ("fold", rng.poisson(0.35 * look.folds * area**0.5)),
    ):
        for _ in range(count):
            point = rng.uniform([0, 0], [height, width])
            angle = heading + rng.normal(0, 0.06) + (np.pi / 2 if kind == "fold" else 0)
            distance = _position(whole.y - point[0], whole.x - point[1], angle)
            half, strength = (rng.uniform(4, 22), rng.choice([-1.0, 1.0]) * rng.uniform(0.06, 0.22))
            if kind == "fold":
                half, strength = rng.uniform(90, 320), rng.uniform(0.12, 0.3)
                distance = distance + 150 * ragged.at(whole.y, whole.x)
                density += strength * ramp(half - np.abs(distance), 0.0, 60.0)
            else:
                distance = distance + 6 * ragged.at(whole.y, whole.x)
                patchy = np.clip(0.6 + 0.5 * ragged.at(whole.y[:1], whole.x)[0], 0, 1)
                density += np.float32(strength) * band(distance, half, frame.pixel_nm) * patchy[None, :]


def _position(y: Axis, x: Axis, angle: float) -> Float:
    """Signed distance of every pixel from the line through the origin that runs at ``angle``."""
    position: Float = (y[:, None] * np.cos(angle) - x[None, :] * np.sin(angle)).astype(np.float32)
    return position


def _draw_precipitate(density: Float, frame: Frame, look: Look, rng: np.random.Generator) -> None:
    """Black grains of lead or uranium, in small heaps."""
    height, width = frame.extent_nm
    for _ in range(rng.poisson(look.precipitate * height * width / 268e6)):
        heap = rng.uniform([0, 0], [height, width])
        for _ in range(rng.integers(1, 9)):
            grain = disc(rng, heap + rng.normal(0, 60, 2), rng.uniform(10, 38), 0.3)
            window = grain.window(frame, 10.0)
            if window is None:
                continue
            distance = grain.coordinates(window.y, window.x).distance
            blend(density[window.at], 1.0, np.clip(0.5 - distance / frame.pixel_nm, 0, 1) * 0.9)


def _drift(frame: Frame, look: Look, rng: np.random.Generator) -> Float:
    """Slow change of brightness: a tilt, a vignette and clouds."""
    whole = frame.whole()
    height, width = frame.extent_nm
    y = (whole.y / height * 2 - 1)[:, None].astype(np.float32)
    x = (whole.x / width * 2 - 1)[None, :].astype(np.float32)
    tilt, bowl = rng.uniform(-1, 1, 2), rng.uniform(-1, 0.4)
    clouds = noise(rng, frame, max(height, width) / 3).at(whole.y, whole.x)
    shape = tilt[0] * y + tilt[1] * x + bowl * (y * y + x * x) / 2 + 0.3 * clouds
    drift: Float = (np.float32(look.drift) * 0.5 * shape).astype(np.float32)
    return drift


def _add_noise(light: Float, frame: Frame, look: Look, seed: int) -> None:
    """Noise of the detector, drawn per pixel whatever the pixel size, in place."""
    rng = stream(seed, Part.DETECTOR, round(frame.pixel_nm * 1000))
    strength = look.noise + look.shot_noise * np.sqrt(np.clip(light, 0, 1))
    light += rng.standard_normal(light.shape, dtype=np.float32) * strength
    light += (rng.standard_normal((light.shape[0], 1)) * look.scan_lines).astype(np.float32)
