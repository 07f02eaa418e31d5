"""Instance normalisation in the channels-last order: torch's own numbers, and nothing lost on the way to the disk."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from core.models.store import StoredModel
from core.models.weights import load_network
from core.segmentation.instance_norm import ChannelsLastInstanceNorm, keep_channels_last
from core.training.trainer import CristaeTrainer

ORDERS = [torch.channels_last, torch.contiguous_format]
HALF_A_STEP = torch.finfo(torch.bfloat16).eps / 2


def results(norm: nn.Module, images: Tensor, upstream: Tensor) -> list[Tensor]:
    """Output, and the gradients of images, scale and shift."""
    norm, images = copy.deepcopy(norm), images.clone().requires_grad_()
    out = norm(images)
    out.backward(upstream.to(out.dtype))
    assert images.grad is not None
    return [out.detach(), images.grad, norm.weight.grad, norm.bias.grad]


def errors(found: list[Tensor], truth: list[Tensor]) -> list[float]:
    return [float((one.double() - two).abs().max() / two.abs().max()) for one, two in zip(found, truth, strict=True)]


@pytest.mark.parametrize("order", ORDERS, ids=["channels last", "rows last"])
@pytest.mark.parametrize("shape", [(4, 16, 24, 40), (1, 3, 7, 5), (2, 1, 8, 8)], ids=str)
def test_values_and_gradients_are_torchs(shape: tuple[int, ...], order: torch.memory_format) -> None:
    torch.manual_seed(1)
    theirs = nn.InstanceNorm2d(shape[1], affine=True)
    nn.init.normal_(theirs.weight)
    nn.init.normal_(theirs.bias)
    ours = keep_channels_last(copy.deepcopy(theirs))
    assert type(ours) is ChannelsLastInstanceNorm
    images, upstream = (3 + 2 * torch.randn(shape)).to(memory_format=order), torch.randn(shape)
    truth = results(copy.deepcopy(theirs).double(), images.double(), upstream.double())
    found = results(ours, images, upstream)
    assert found[0].is_contiguous(memory_format=order)
    assert max(errors(found, truth)) < 1e-5

    rough = images.bfloat16()
    truth = results(copy.deepcopy(theirs).double(), rough.double(), upstream.bfloat16().double())
    for one, their_error in zip(
        errors(results(ours, rough, upstream), truth), errors(results(theirs, rough, upstream), truth), strict=True
    ):
        assert one < 1.5 * their_error + HALF_A_STEP, "bfloat16 is rounded more than torch rounds it"


def test_a_network_stays_in_order_and_says_the_same(tiny_model: StoredModel) -> None:
    plain = load_network(tiny_model, 0)
    changed = keep_channels_last(load_network(tiny_model, 0))
    norms = [module for module in changed.modules() if isinstance(module, nn.InstanceNorm2d)]
    assert norms
    in_order = []
    for norm in norms:
        norm.register_forward_hook(
            lambda _module, _images, out: in_order.append(out.is_contiguous(memory_format=torch.channels_last))
        )
    images = torch.randn(2, 1, 64, 64)
    with torch.inference_mode():
        expected, found = plain(images), changed(images)
    assert len(in_order) == len(norms)
    assert all(in_order)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)
    assert list(changed.state_dict()) == list(plain.state_dict())
    assert all(torch.equal(value, plain.state_dict()[name]) for name, value in changed.state_dict().items())


@pytest.mark.parametrize("options", [{"affine": False}, {"affine": True, "track_running_stats": True}], ids=str)
def test_other_normalisation_is_left_alone(options: dict[str, Any]) -> None:
    assert type(keep_channels_last(nn.InstanceNorm2d(4, **options))) is nn.InstanceNorm2d


def test_what_the_optimiser_remembers_finds_its_weights_again() -> None:
    """A checkpoint holds rows-last arrays; the optimiser goes through memory as it lies."""

    def trainer() -> CristaeTrainer:
        torch.manual_seed(2)
        made = CristaeTrainer.__new__(CristaeTrainer)
        made.network = keep_channels_last(nn.Conv2d(3, 5, 3))
        made.optimizer = torch.optim.AdamW(made.network.parameters(), 0.01, fused=True)
        return made

    def step(one: CristaeTrainer, seed: int) -> None:
        torch.manual_seed(seed)
        one.optimizer.zero_grad()
        one.network(torch.randn(1, 3, 9, 9)).square().sum().backward()
        one.optimizer.step()

    first, second = trainer(), trainer()
    step(first, 3)
    second.restore_parameters({name: value.detach().contiguous() for name, value in first.parameters().items()})
    second.restore_optimizer({name: value.contiguous().clone() for name, value in first.optimizer_tensors().items()})
    step(first, 4)
    step(second, 4)
    for one, two in zip(first.network.parameters(), second.network.parameters(), strict=True):
        assert torch.equal(one, two)
