"""Phantoms: reproducible, exactly labelled, the same tissue at every pixel size, with the areas of liver."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from core.errors import ImageError
from core.label_scheme import DEFAULT_SCHEME
from core.phantom import Look, Phantom, generate_phantom
from core.phantom.layout import SHARES
from core.phantom.look import RANGES

CLEAN = Look(noise=0.01, shot_noise=0.0, scratches=0.0, precipitate=0.0, chatter=0.0, drift=0.0, blur_nm=2.0)


def _share(labels: NDArray[np.uint8]) -> NDArray[np.float64]:
    return np.bincount(labels.ravel(), minlength=6) / labels.size


def _digest(phantom: Phantom) -> str:
    return hashlib.sha256(phantom.image_yx.tobytes() + phantom.labels_yx.tobytes()).hexdigest()


@pytest.fixture(scope="module")
def phantom() -> Phantom:
    """A field of 16 µm with a nucleus, coarse enough to be quick."""
    return generate_phantom(5, 1024, pixel_size_nm=16.0, look=CLEAN)


def test_values_types_and_read_only(phantom: Phantom) -> None:
    assert phantom.image_yx.shape == phantom.labels_yx.shape == (1024, 1024)
    assert phantom.image_yx.dtype == phantom.labels_yx.dtype == np.uint8
    assert set(np.unique(phantom.labels_yx)) == {0, *DEFAULT_SCHEME.ids}
    with pytest.raises(ValueError, match="read-only"):
        phantom.labels_yx[0, 0] = 1


def test_the_same_seed_gives_the_same_phantom() -> None:
    assert _digest(generate_phantom(3, 256)) == _digest(generate_phantom(3, 256))


def test_another_seed_gives_another_phantom() -> None:
    assert _digest(generate_phantom(3, 256)) != _digest(generate_phantom(4, 256))


def test_the_global_generator_is_neither_used_nor_changed() -> None:
    np.random.seed(1)  # noqa: NPY002
    first = generate_phantom(9, 128)
    after = np.random.random()  # noqa: NPY002
    np.random.seed(1)  # noqa: NPY002
    assert after == np.random.random()  # noqa: NPY002
    np.random.seed(2)  # noqa: NPY002
    assert _digest(first) == _digest(generate_phantom(9, 128))


def test_rows_and_columns() -> None:
    assert generate_phantom(1, (96, 160)).image_yx.shape == (96, 160)


@pytest.mark.parametrize("seed", [5, 8], ids=lambda s: f"seed{s}")
def test_the_same_tissue_at_4_8_and_16_nm(seed: int) -> None:
    fine, middle, coarse = (
        generate_phantom(seed, int(4096 / nm), pixel_size_nm=nm, look=CLEAN) for nm in (4.0, 8.0, 16.0)
    )
    for finer, coarser in ((fine, middle), (middle, coarse)):
        for offset in (0, 1):
            same = finer.labels_yx[offset::2, offset::2] == coarser.labels_yx
            # half a pixel off: only pixels next to an outline may differ
            edge = ndimage.maximum_filter(coarser.labels_yx, 3) != ndimage.minimum_filter(coarser.labels_yx, 3)
            assert same[~edge].mean() > 0.999
        blurred = ndimage.gaussian_filter(finer.image_yx.astype(float), 4)[::2, ::2]
        against = ndimage.gaussian_filter(coarser.image_yx.astype(float), 2)
        assert np.corrcoef(blurred.ravel(), against.ravel())[0, 1] > 0.97


def test_scale_makes_the_tissue_larger() -> None:
    small = generate_phantom(4, 512, pixel_size_nm=16, look=replace(CLEAN, scale=0.8)).labels_yx
    large = generate_phantom(4, 512, pixel_size_nm=16, look=replace(CLEAN, scale=1.25)).labels_yx
    areas = [np.median(np.bincount(ndimage.label(m == 1)[0].ravel())[1:]) for m in (small, large)]
    assert areas[1] > 1.4 * areas[0]


def test_labels_lie_on_what_is_drawn(phantom: Phantom) -> None:
    """Mitochondria darker than the cytosol around them, wide spaces between cells brighter."""
    image, labels = phantom.image_yx.astype(float), phantom.labels_yx
    cytosol = image[labels == 0].mean()
    assert image[labels == 1].mean() < cytosol - 25
    space = ndimage.binary_erosion(labels == 5, iterations=12)
    assert space.any() and image[space].mean() > cytosol + 25


def test_a_label_outline_coincides_with_a_membrane(phantom: Phantom) -> None:
    mitochondria = phantom.labels_yx == 1
    image = phantom.image_yx.astype(float)
    rim = mitochondria & ~ndimage.binary_erosion(mitochondria)
    matrix = ndimage.binary_erosion(mitochondria, iterations=5)
    outside = ndimage.binary_dilation(mitochondria, iterations=4) & (phantom.labels_yx == 0)
    assert image[rim].mean() < image[matrix].mean() < image[outside].mean()


def test_inverted_exchanges_dark_and_light() -> None:
    plain = generate_phantom(2, 256, look=CLEAN).image_yx.astype(float)
    inverted = generate_phantom(2, 256, look=replace(CLEAN, inverted=True)).image_yx.astype(float)
    assert np.corrcoef(plain.ravel(), inverted.ravel())[0, 1] < -0.95


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_areas_of_liver_over_eight_full_images() -> None:
    # at 16 nm, which is the same tissue as at 8 nm in a quarter of the pixels
    share = np.mean([_share(generate_phantom(s, 1024, pixel_size_nm=16).labels_yx) for s in range(8)], axis=0)
    wanted = np.array([1 - sum(SHARES.values()), *SHARES.values()])
    np.testing.assert_allclose(share, wanted, rtol=0.2)


def test_shares_are_those_of_the_annotated_micrograph() -> None:
    assert {c.name: SHARES[c.name] for c in DEFAULT_SCHEME.classes} == {
        "mitochondria": 0.113, "nucleus": 0.053, "ER": 0.028, "lipid droplets": 0.02, "cell boundaries": 0.062,
    }  # fmt: skip


@pytest.mark.parametrize("seed", range(6), ids=lambda s: f"seed{s}")
def test_images_use_the_range_without_clipping_much(seed: int) -> None:
    image = generate_phantom(seed, 384).image_yx
    assert image.std() > 12
    assert np.mean((image == 0) | (image == 255)) < 0.12


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        ({"seed": -1}, "seed"),
        ({"seed": 1.5}, "seed"),
        ({"seed": True}, "seed"),
        ({"size_px": 0}, "size"),
        ({"size_px": 9000}, "size"),
        ({"size_px": (64, 64, 64)}, "size"),
        ({"size_px": (64, 64.5)}, "size"),
        ({"pixel_size_nm": 0}, "pixel size"),
        ({"pixel_size_nm": float("nan")}, "pixel size"),
        ({"size_px": 8192, "pixel_size_nm": 64}, "µm wide"),
    ],
    ids=str,
)
def test_bad_input_is_explained(arguments: dict[str, object], cause: str) -> None:
    with pytest.raises(ImageError, match=cause) as caught:
        generate_phantom(**{"seed": 0, "size_px": 64, **arguments})  # type: ignore[arg-type]
    assert caught.value.remedy


@pytest.mark.parametrize("name", sorted(RANGES))
def test_a_look_out_of_range_is_refused(name: str) -> None:
    low, high = RANGES[name]
    for value in (low - 0.01, high + 0.01, float("nan")):
        with pytest.raises(ImageError, match=name):
            replace(Look(), **{name: value})


def test_random_looks_differ_and_repeat() -> None:
    looks = [Look.random(np.random.default_rng(s)) for s in range(200)]
    assert len(set(looks)) == 200
    assert looks[7] == Look.random(np.random.default_rng(7))
    assert 5 < sum(look.inverted for look in looks) < 40
