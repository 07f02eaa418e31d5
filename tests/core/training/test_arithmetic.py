"""Which arithmetic a training takes on a processor is measured."""

from __future__ import annotations

import pytest
import torch

from core.training import arithmetic


def has_instructions(monkeypatch: pytest.MonkeyPatch, there: bool) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: there)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)


@pytest.mark.parametrize(("rough_s", "exact_s", "faster"), [(0.5, 1.0, True), (0.95, 1.0, False), (1.3, 1.0, False)])
def test_bfloat16_is_used_where_it_saves_time(
    monkeypatch: pytest.MonkeyPatch, rough_s: float, exact_s: float, faster: bool
) -> None:
    """Having the instructions is not enough: some processors are slower with them."""
    has_instructions(monkeypatch, True)
    monkeypatch.setattr(arithmetic, "quickest_s", lambda: (rough_s, exact_s))
    assert arithmetic.bfloat16_is_faster() is faster


def test_without_the_instructions_nothing_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    has_instructions(monkeypatch, False)
    monkeypatch.setattr(arithmetic, "quickest_s", lambda: pytest.fail("measured"))
    assert not arithmetic.bfloat16_is_faster()


def test_measuring_leaves_the_random_numbers_alone() -> None:
    """A training with a seed is the same whether it was measured or not."""
    torch.manual_seed(3)
    wanted = torch.rand(4)
    torch.manual_seed(3)
    rough, exact = arithmetic.quickest_s()
    assert torch.equal(torch.rand(4), wanted)
    assert rough > 0
    assert exact > 0
