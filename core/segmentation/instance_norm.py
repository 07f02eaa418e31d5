"""nnU-Net's instance normalisation on the processor without leaving the channels-last order. Imports torch.

Convolutions on the processor are faster with the channels of a pixel side by side in memory; torch's
`InstanceNorm2d` puts every array back into the other order, which costs as much as that gains. Here the same numbers
come from kernels that keep the order: a group for each channel forwards, batch normalisation of one image at a time
backwards. docs/benchmarks.md has what that brings.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


class ChannelsLastInstanceNorm(nn.InstanceNorm2d):
    """`InstanceNorm2d` of images with a scale and a shift for each channel, in the order of memory that it finds."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Normalise.

        Parameters
        ----------
        input
            (images, channels, rows, columns), float32 or bfloat16.

        Returns
        -------
        Tensor
            The same shape, type and order.
        """
        normalised: torch.Tensor = _Normalise.apply(input, self.weight, self.bias, self.eps)  # type: ignore[no-untyped-call]
        return normalised


class _Normalise(torch.autograd.Function):
    """Forward as torch's group normalisation, whose own backward is many times slower in this order."""

    @staticmethod
    def forward(ctx: Any, images: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, eps: float) -> torch.Tensor:
        count, channels, rows, columns = images.shape
        normalised, mean, rstd = torch.ops.aten.native_group_norm(
            images, weight, bias, count, channels, rows * columns, channels, eps
        )
        ctx.save_for_backward(images, weight, mean.float(), rstd.float())
        ctx.eps = eps
        return normalised  # type: ignore[no-any-return]

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, None]:
        images, weight, mean, rstd = ctx.saved_tensors
        order = torch.channels_last if images.is_contiguous(memory_format=torch.channels_last) else None
        gradient = gradients[0].contiguous(memory_format=order or torch.contiguous_format)
        to_images, to_weight, to_bias = torch.empty_like(images), torch.zeros_like(weight), torch.zeros_like(weight)
        for one in range(len(images)):
            place = slice(one, one + 1)
            to_images[place], on_weight, on_bias = torch.ops.aten.native_batch_norm_backward(
                gradient[place], images[place], weight, None, None, mean[one], rstd[one], True, ctx.eps, [True] * 3
            )
            to_weight += on_weight
            to_bias += on_bias
        return to_images, to_weight, to_bias, None


def keep_channels_last(network: nn.Module) -> nn.Module:
    """Put a network's weights into the channels-last order and let its normalisation keep it; names and values stay.

    Parameters
    ----------
    network
        On the processor. Changed in place.

    Returns
    -------
    Module
        The same network.
    """
    for module in network.modules():
        if type(module) is nn.InstanceNorm2d and module.affine and not module.track_running_stats:
            module.__class__ = ChannelsLastInstanceNorm
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]
