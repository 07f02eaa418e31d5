"""Network weights between torch and safetensors.

nnU-Net's state dicts name most tensors several times (a block lists its layers again, the decoder holds the encoder).
Each tensor is stored once, under its first name; the file's metadata says which other names share it.
"""

from __future__ import annotations

import errno
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from core.errors import ModelError
from core.files import replacing
from core.models.store import StoredModel, read_safetensors_header

if TYPE_CHECKING:
    from torch import Tensor, nn

ALIASES: Final = "aliases"
"""Metadata entry: JSON of name to the first name of the same tensor."""

ALLOWED_NETWORKS: Final = (
    "dynamic_network_architectures.architectures.unet.PlainConvUNet",
    "dynamic_network_architectures.architectures.unet.ResidualEncoderUNet",
    "dynamic_network_architectures.architectures.unet.ResidualUNet",
)
"""Networks that nnU-Net's own planners produce. Plans from outside may not name any other class to be built."""

ALLOWED_LAYERS: Final = (
    "torch.nn.modules.conv.Conv2d",
    "torch.nn.modules.instancenorm.InstanceNorm2d",
    "torch.nn.modules.batchnorm.BatchNorm2d",
    "torch.nn.modules.dropout.Dropout2d",
    "torch.nn.LeakyReLU",
    "torch.nn.ReLU",
    "torch.nn.modules.activation.LeakyReLU",
    "torch.nn.modules.activation.ReLU",
)
"""Layers that plans may name."""


_MOST: Final = {
    "n_stages": 12, "features_per_stage": 4096, "n_conv_per_stage": 32, "n_conv_per_stage_decoder": 32,
    "n_blocks_per_stage": 64, "kernel_sizes": 31, "strides": 16,
}  # fmt: skip
"""Arguments of networks: no number is higher. The largest networks of nnU-Net have half of it at most."""


def save_weights(path: Path, state: Mapping[str, Tensor]) -> None:
    """Write a state dict as float32 safetensors, atomically, each tensor once.

    Parameters
    ----------
    path
        The .safetensors file.
    state
        As ``network.state_dict()`` gives it, on any device.
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    first: dict[tuple[int, tuple[int, ...]], str] = {}
    tensors: dict[str, Tensor] = {}
    aliases: dict[str, str] = {}
    for name, tensor in state.items():
        identity = (tensor.data_ptr(), tuple(tensor.shape))
        if identity in first and tensor.numel():
            aliases[name] = first[identity]
        else:
            first[identity] = name
            tensors[name] = tensor.detach().to("cpu", torch.float32).contiguous().clone()
    with replacing(path) as temporary:
        try:
            save_file(tensors, temporary, metadata={ALIASES: json.dumps(aliases)})
        except SafetensorError as error:
            raise as_os_error(error, path) from error


def load_weights(path: Path) -> dict[str, Tensor]:
    """The full state dict of a file that `save_weights` wrote (or any plain safetensors file), on the CPU.

    Raises
    ------
    ModelError
        The file is missing, cut short, or its table of shared names is wrong.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    read_safetensors_header(path)
    try:
        state: dict[str, Tensor] = load_file(path)
        return {**state, **{name: state[first] for name, first in _aliases(path).items()}}
    except (ValueError, LookupError, TypeError, AttributeError, SafetensorError, RuntimeError) as error:
        raise _unusable_names(path, error) from error


def weight_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """The shapes of all tensors of a file, shared names included, from its header alone.

    Raises
    ------
    ModelError
        As `load_weights`.
    """
    header = read_safetensors_header(path)
    try:
        shapes = {name: tuple(int(edge) for edge in entry["shape"]) for name, entry in header.items()}
        return {**shapes, **{name: shapes[first] for name, first in _aliases(path).items()}}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _unusable_names(path, error) from error


def _aliases(path: Path) -> dict[str, str]:
    """Name to the first name of the same tensor."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as handle:
            aliases: dict[str, str] = json.loads((handle.metadata() or {}).get(ALIASES, "{}"))
    except (SafetensorError, RecursionError) as error:
        raise _unusable_names(path, error) from error
    return aliases


def _unusable_names(path: Path, error: Exception) -> ModelError:
    return ModelError(
        f"{path.name} has an invalid table of tensors or shared names ({str(error)[:200]}).",
        "Import or train the model again.",
    )


def build_network(model: StoredModel, *, deep_supervision: bool = False) -> nn.Module:
    """The model's network without its weights, in evaluation mode, on the CPU.

    Raises
    ------
    ModelError
        The plans name a class that is none of nnU-Net's networks or layers, or describe an impossible network.
    """
    return network_from_architecture(
        model.configuration["architecture"], len(model.output_ids), deep_supervision=deep_supervision
    ).eval()


def network_from_architecture(
    architecture: Mapping[str, Any], outputs: int, *, deep_supervision: bool = False
) -> nn.Module:
    """Build the network that an ``architecture`` entry of nnU-Net plans describes, with one input channel.

    Raises
    ------
    ModelError
        As `build_network`.
    """
    from nnunetv2.utilities.get_network_from_plans import get_network_from_plans

    check_architecture(architecture)
    try:
        network: nn.Module = get_network_from_plans(
            architecture["network_class_name"],
            dict(architecture["arch_kwargs"]),
            list(architecture["_kw_requires_import"]),
            1,
            outputs,
            allow_init=True,
            deep_supervision=deep_supervision,
        )
    except (TypeError, ValueError, LookupError, ArithmeticError, AttributeError, AssertionError, RuntimeError) as error:
        raise ModelError(
            f"The network in the plans cannot be built ({error}).", "Import a model of nnU-Net v2."
        ) from error
    return network


def check_architecture(architecture: Mapping[str, Any]) -> None:
    """Refuse plans that name anything but nnU-Net's own 2D networks and layers: names are imported when building.

    Raises
    ------
    ModelError
        Another class is named, or an entry is missing.
    """
    if not isinstance(architecture, Mapping):
        raise ModelError("The plans contain no network.", "Import a model planned by nnU-Net 2.2 or newer.")
    network = architecture.get("network_class_name")
    arguments, imported = architecture.get("arch_kwargs"), architecture.get("_kw_requires_import")
    keyed = isinstance(imported, list | tuple) and all(isinstance(key, str) for key in imported)
    if not isinstance(arguments, Mapping) or not isinstance(imported, list | tuple) or not keyed:
        raise ModelError("The plans contain no network.", "Import a model planned by nnU-Net 2.2 or newer.")
    named = {str(key): arguments.get(key) for key in imported}
    strange = [str(value) for value in named.values() if value is not None and value not in ALLOWED_LAYERS]
    if network not in ALLOWED_NETWORKS:
        strange.append(str(network))
    if strange:
        raise ModelError(
            f"The plans contain {', '.join(strange)}, which is not a standard nnU-Net 2D network or layer.",
            "Only models created with nnU-Net planners can be used.",
        )
    for name, most in _MOST.items():
        if name in arguments and not _all_within(arguments[name], most):
            raise ModelError(
                f"The network has {name} {str(arguments[name])[:200]}.",
                f"nnU-Net networks use integers from 1 to {most} here.",
            )


def _all_within(value: Any, most: int) -> bool:
    """Whether a number, or every number of a list of some, is from 1 to so many."""
    if isinstance(value, list | tuple):
        return 0 < len(value) <= _MOST["n_stages"] and all(_all_within(each, most) for each in value)
    return type(value) is int and 0 < value <= most


def check_fits(architecture: Mapping[str, Any], outputs: int, shapes: Mapping[str, tuple[int, ...]], what: str) -> None:
    """Refuse weights that are not those of the network that plans describe, before anything of its size is made.

    Parameters
    ----------
    architecture, outputs
        As for `network_from_architecture`.
    shapes
        Of the weights, by name.
    what
        What to call them in messages.

    Raises
    ------
    ModelError
        A tensor is missing, unknown, or of another shape.
    """
    import torch

    with torch.device("meta"):  # shapes without memory
        network = network_from_architecture(architecture, outputs)
    expected = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    wrong = [name for name in expected if shapes.get(name) != expected[name]]
    wrong += [name for name in shapes if name not in expected]
    if wrong:
        name = wrong[0]
        raise ModelError(
            f"{what} does not match its plans: {len(wrong)} of {len(expected)} tensors, such as {name} with the "
            f"shape {shapes.get(name, 'none')} instead of {expected.get(name, 'none')}.",
            "Import the weights together with their original plans.",
        )


def load_network(model: StoredModel, fold: str | int) -> nn.Module:
    """The network of one fold with its weights, in evaluation mode, on the CPU, without deep supervision.

    Raises
    ------
    ModelError
        The weights do not fit the plans, or either is unusable.
    """
    network = build_network(model)
    fit_weights(network, load_weights(model.weights(fold)), f"Fold {fold} of model {model.id}")
    return network


def fit_weights(network: nn.Module, state: Mapping[str, Tensor], what: str) -> None:
    """Load a state dict, all of it.

    Raises
    ------
    ModelError
        A tensor is missing, unknown, or of another shape.
    """
    try:
        network.load_state_dict(state)
    except (RuntimeError, TypeError) as error:
        detail = " ".join(str(error).split())[:300]
        raise ModelError(f"{what} does not match its plans: {detail}", "Import or train the model again.") from error


def as_os_error(error: Exception, path: Path) -> OSError:
    """What safetensors says in words of its own about a full disk, as Python says it."""
    found = re.search(r"os error (\d+)", str(error))
    return OSError(int(found.group(1)) if found else errno.EIO, str(error), str(path))
