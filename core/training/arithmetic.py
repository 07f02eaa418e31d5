"""Which arithmetic is quickest on this processor: measured, since instruction sets alone do not tell.

An iteration in bfloat16 takes two thirds of float32's time on an AMD EPYC with AVX-512 BF16, and a sixth more on an
Intel Xeon with the same instructions and without AMX.
"""

from __future__ import annotations

import time
from contextlib import nullcontext
from typing import Final

import torch

WORTH: Final = 0.9
"""bfloat16 is used where it takes less than this share of float32's time."""

_TURNS: Final = 4
"""Each takes its turn this often, after one to warm up; the quickest counts, so that other work disturbs little."""

_SHAPE: Final = (1, 32, 128, 128)
"""Images, channels, rows, columns: a middle stage of the compact preset."""


def bfloat16_is_faster() -> bool:
    """Whether convolutions learn faster in bfloat16 than in float32 on this processor; takes a third of a second.

    False without measuring where the processor has no instructions for it (AVX-512 BF16 or AMX). Uses as many threads
    as torch is set to.
    """
    probes = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    if not any(bool(getattr(torch.cpu, probe, bool)()) for probe in probes):
        return False
    rough, exact = quickest_s()
    return rough < WORTH * exact


def quickest_s() -> tuple[float, float]:
    """Seconds for two convolutions forwards and backwards: in bfloat16, in float32."""
    channels = _SHAPE[1]
    with torch.random.fork_rng(devices=[]):
        layers = torch.nn.Sequential(*(torch.nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2)))
        layers = layers.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        images = torch.randn(_SHAPE).contiguous(memory_format=torch.channels_last)
    taken: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(_TURNS + 1):
        for rough, times in taken.items():
            begun = time.perf_counter()
            with torch.autocast("cpu", torch.bfloat16) if rough else nullcontext():
                output = layers(images)
            output.float().square().mean().backward()
            times.append(time.perf_counter() - begun)
    return min(taken[True][1:]), min(taken[False][1:])
