"""nnU-Net's trainer with our clock, checkpoints and reports. Training process only: imports torch and nnU-Net.

Loss, deep supervision and augmentation are nnU-Net's; so are network and optimiser, but for the compact preset. Ours
are: classes drawn before images, the learning rate by the clock, a running average of the weights, a validation set
that stays the same from epoch to epoch, the channels-last order on the processor and bfloat16 where that is faster,
and no worker processes where the network itself runs there.
"""

from __future__ import annotations

import os
import random
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final

import numpy as np
import torch
from nnunetv2.training.loss.dice import get_tp_fp_fn_tn
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

from core.label_scheme import IGNORE_ID
from core.segmentation.instance_norm import keep_channels_last
from core.training.arithmetic import bfloat16_is_faster
from core.training.batches import BatchSource, CachedCases, Prefetched
from core.training.presets import NNUNET_RECIPE, Recipe
from core.training.preview import PreviewCrop

AVERAGE_SHARE: Final = 0.04
"""Length of the running average of the weights, as a part of the whole training."""

ADAM_WEIGHT_DECAY: Final = 0.01
"""AdamW's default; it is decoupled from the gradient, so nnU-Net's 3e-5 for SGD does not carry over."""

AUGMENTATION_THREADS: Final = 12
"""With a graphics card; as many as nnU-Net starts processes."""

MAX_GRADIENT_NORM: Final = 12
"""nnU-Net's."""


class CristaeTrainer(nnUNetTrainer):  # type: ignore[misc]
    """One training of one fold. `nnUNetTrainer` looks its arguments up by these names."""

    def __init__(
        self, plans: dict[str, Any], configuration: str, fold: int, dataset_json: dict[str, Any], device: torch.device
    ) -> None:
        super().__init__(plans, configuration, fold, dataset_json, device)
        self.bfloat16 = device.type == "cpu" and bfloat16_is_faster()
        self.recipe = NNUNET_RECIPE
        self.average: dict[str, torch.Tensor] = {}
        self.average_steps = 0
        self.average_length = 100.0
        self.validation_set: list[dict[str, Any]] = []
        self.training_source: BatchSource | None = None
        self.preview: PreviewCrop | None = None
        self.threads = 0
        self.class_outputs = list(range(self.label_manager.num_segmentation_heads))
        self.has_unparted = False
        """Whether labels beyond *ignore* occur, `core.training.object_labels.PartingLabels`."""
        self._shown = (0, 0)

    def prepare(self, recipe: Recipe, learning_rate: float) -> None:
        """Build network, optimiser and loss."""
        self.recipe = recipe
        self.initial_lr = learning_rate
        self.oversample_foreground_percent = recipe.foreground
        self.initialize()
        self.set_deep_supervision_enabled(True)
        if self.device.type == "cpu":
            keep_channels_last(self.network)

    def parameters(self) -> dict[str, torch.Tensor]:
        """Everything in the network that is learned, once, by name."""
        buffers = {name: value for name, value in self.network.named_buffers() if value.is_floating_point()}
        return {**dict(self.network.named_parameters()), **buffers}

    def configure_optimizers(self) -> tuple[torch.optim.Optimizer, None]:
        """nnU-Net's hook. The learning rate is set from outside, so there is no scheduler."""
        if self.recipe.adam:
            fused = self.device.type == "cpu"
            optimizer: torch.optim.Optimizer = torch.optim.AdamW(
                self.network.parameters(), self.initial_lr, weight_decay=ADAM_WEIGHT_DECAY, fused=fused
            )
            return optimizer, None
        optimizer = torch.optim.SGD(
            self.network.parameters(), self.initial_lr, weight_decay=self.weight_decay, momentum=0.99, nesterov=True
        )
        return optimizer, None

    def set_learning_rate(self, value: float) -> None:
        """For the iterations that follow."""
        for group in self.optimizer.param_groups:
            group["lr"] = value

    def set_foreground(self, share: float) -> None:
        """Share of patches centred on a class, for the batches that are made from here on."""
        if self.training_source is not None:
            self.training_source.oversample_foreground_percent = share

    def _autocast(self) -> AbstractContextManager[Any]:
        if self.device.type == "cuda":
            return torch.autocast("cuda")
        return torch.autocast("cpu", torch.bfloat16) if self.bfloat16 else nullcontext()

    def _to_device(self, batch: dict[str, Any]) -> tuple[torch.Tensor, list[torch.Tensor]]:
        data = batch["data"].to(self.device, non_blocking=True)
        return data, [target.to(self.device, non_blocking=True) for target in batch["target"]]

    def _loss_of(self, data: torch.Tensor, target: list[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """Loss, and the logits at full resolution."""
        with self._autocast():
            output = self.network(data)
            if self.device.type == "cuda":
                return self.loss(output, self._settled(output, target)), output[0]
        output = [scale.float() for scale in output]
        return self.loss(output, self._settled(output, target)), output[0]

    @torch.no_grad()
    def _settled(self, output: list[torch.Tensor], target: list[torch.Tensor]) -> list[torch.Tensor]:
        """Targets in which pixels that may part objects or not are what the network prefers: no loss for either."""
        if not self.has_unparted:
            return target
        heads = len(self.class_outputs)
        first = len(set(self.class_outputs))
        settled = []
        for logits, labels in zip(output, target, strict=True):
            for parting, own in enumerate(self.class_outputs[first:], first):
                preferred = torch.where(logits[:, parting] > logits[:, own], parting, own)[:, None].to(labels.dtype)
                labels = torch.where(labels == heads + 1 + parting - first, preferred, labels)
            settled.append(labels)
        return settled

    def _known(self, labels: torch.Tensor) -> torch.Tensor:
        """Labels beyond *ignore* as those of their classes."""
        heads, first = len(self.class_outputs), len(set(self.class_outputs))
        for place, own in enumerate(self.class_outputs[first:] if self.has_unparted else ()):
            labels = torch.where(labels == heads + 1 + place, own, labels)
        return labels

    def train_step(self, batch: dict[str, Any]) -> dict[str, Any]:
        """nnU-Net's step: forward, loss, backward, clipped gradient, SGD; then the running average."""
        data, target = self._to_device(batch)
        self.optimizer.zero_grad(set_to_none=True)
        loss, _ = self._loss_of(data, target)
        if self.grad_scaler is not None:
            self.grad_scaler.scale(loss).backward()
            self.grad_scaler.unscale_(self.optimizer)
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), MAX_GRADIENT_NORM)
            self.grad_scaler.step(self.optimizer)
            self.grad_scaler.update()
        else:
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), MAX_GRADIENT_NORM)
            self.optimizer.step()
        self._update_average()
        return {"loss": loss.detach()}

    @torch.no_grad()
    def _update_average(self) -> None:
        """Exponential running average whose length grows to `average_length` iterations."""
        current = self.parameters()
        if not self.average:
            self.average = {name: value.detach().clone() for name, value in current.items()}
        self.average_steps += 1
        length = min(self.average_length, 1 + self.average_steps / 10)
        torch._foreach_lerp_(list(self.average.values()), [current[name] for name in self.average], 1 / length)

    def set_average_length(self, expected_iterations: int) -> None:
        """Fit the running average to the length of the training."""
        self.average_length = max(AVERAGE_SHARE * expected_iterations, 5.0)

    @torch.no_grad()
    def swap_average(self) -> None:
        """Exchange the network's weights and their running average."""
        for name, value in self.parameters().items():
            kept = value.detach().clone()
            value.copy_(self.average[name])
            self.average[name].copy_(kept)

    @torch.no_grad()
    def validate(self) -> tuple[float, list[float | None]]:
        """Loss and Dice per class of the averaged weights on the fixed validation set.

        Returns
        -------
        loss, dice
            Dice from counts summed over the whole set; None for a class that neither occurs nor is predicted.
        """
        self.swap_average()
        self.network.eval()
        counts = torch.zeros(3, len(set(self.class_outputs)), dtype=torch.float64)
        losses = []
        for number, batch in enumerate(self.validation_set):
            data, target = self._to_device(batch)
            loss, logits = self._loss_of(data, target)
            losses.append(float(loss))
            if number == self._shown[0]:
                self.preview = self._crop(batch, logits)
            counts += self._counts(logits, target[0]).cpu().double()
        self.network.train()
        self.swap_average()
        tp, fp, fn = counts[:, 1:]
        total = (2 * tp + fp + fn).tolist()
        dice = [2 * hit / size if size else None for hit, size in zip(tp.tolist(), total, strict=True)]
        return float(np.mean(losses)), dice

    def _crop(self, batch: dict[str, Any], logits: torch.Tensor) -> PreviewCrop:
        """The patch to show: the network's outputs as classes, ignored pixels as 255."""
        place = self._shown[1]
        reference = self._known(batch["target"][0][place, 0]).cpu().numpy()
        ignored = (reference < 0) | (reference >= self.label_manager.num_segmentation_heads)
        classes = np.array(self.class_outputs, np.uint8)
        return PreviewCrop(
            batch["data"][place, 0].float().cpu().numpy(),
            np.where(ignored, IGNORE_ID, classes[np.where(ignored, 0, reference).astype(int)]).astype(np.uint8),
            classes[logits[place].argmax(0).cpu().numpy()],
        )

    def _richest_patch(self) -> tuple[int, int]:
        """Batch and place of the validation patch that shows most classes, and most of them."""
        scores: dict[tuple[int, int], tuple[int, int]] = {}
        for number, batch in enumerate(self.validation_set):
            for place, target in enumerate(self._known(batch["target"][0])):
                found = target[(target > 0) & (target < self.label_manager.num_segmentation_heads)]
                scores[number, place] = (len(found.unique()), found.numel())
        return max(scores, key=lambda key: scores[key])

    def _counts(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """True positives, false positives, false negatives per class, ignored pixels left out.

        Outputs beside the classes count as their classes.
        """
        classes = torch.tensor(self.class_outputs, device=logits.device)
        predicted, target = classes[logits.argmax(1, keepdim=True)], self._known(target)
        shape = (logits.shape[0], len(set(self.class_outputs)), *logits.shape[2:])
        onehot = torch.zeros(shape, device=logits.device).scatter_(1, predicted, 1)
        mask = None
        if self.label_manager.has_ignore_label:
            mask = (target != self.label_manager.ignore_label).float()
            target = torch.where(target == self.label_manager.ignore_label, 0, target)
        target = classes[target.long()]
        tp, fp, fn, _ = get_tp_fp_fn_tn(onehot, target, axes=[0, 2, 3], mask=mask)
        return torch.stack([tp, fp, fn])

    def open_batches(self) -> Prefetched:
        """The endless stream of augmented training batches; also opens the validation cases."""
        rotation, dummy_2d, wide_patch, mirror_axes = self.configure_rotation_dummyDA_mirroring_and_inital_patch_size()
        scales = self._get_deep_supervision_scales()
        labels = self.label_manager
        patch = self.configuration_manager.patch_size
        augment = self.get_training_transforms(
            patch, rotation, scales, mirror_axes, dummy_2d,
            use_mask_for_norm=self.configuration_manager.use_mask_for_norm,
            foreground_labels=labels.foreground_labels, ignore_label=labels.ignore_label,
        )  # fmt: skip
        plain = self.get_validation_transforms(
            scales, foreground_labels=labels.foreground_labels, ignore_label=labels.ignore_label
        )
        training, validation = self.do_split()
        self.dataloader_val = self._source(validation, patch, plain)
        on_card = self.device.type == "cuda"
        threads = augmentation_threads(self.threads) if on_card else 1
        self.training_source = self._source(training, wide_patch, augment)
        return Prefetched(self.training_source, threads=threads, depth=2 * threads, pinned=on_card)

    def _source(self, cases: list[str], crop: Any, transforms: Any) -> BatchSource:
        return BatchSource(
            CachedCases(self.preprocessed_dataset_folder, cases),
            self.batch_size,
            crop,
            self.configuration_manager.patch_size,
            self.label_manager,
            oversample_foreground_percent=self.oversample_foreground_percent,
            probabilistic_oversampling=self.recipe.foreground_last != self.recipe.foreground,
            transforms=transforms,
        )

    def draw_validation_set(self, batches: int, seed: int) -> None:
        """Keep some validation batches for the whole training."""
        seed_everything(seed)
        self.validation_set = [next(self.dataloader_val) for _ in range(batches)]
        self._shown = self._richest_patch()

    def optimizer_tensors(self) -> dict[str, torch.Tensor]:
        """What the optimiser remembers, as "<what>/<parameter>"."""
        return {
            f"{what}/{name}": tensor
            for name, value in self.network.named_parameters()
            for what, tensor in self.optimizer.state.get(value, {}).items()
            if isinstance(tensor, torch.Tensor)
        }

    def restore_optimizer(self, tensors: dict[str, torch.Tensor]) -> None:
        """The inverse of `optimizer_tensors`."""
        named = dict(self.network.named_parameters())
        for key, tensor in tensors.items():
            what, _, name = key.partition("/")
            kept = tensor if what == "step" else torch.empty_like(named[name]).copy_(tensor)
            self.optimizer.state[named[name]][what] = kept

    @torch.no_grad()
    def restore_parameters(self, values: dict[str, torch.Tensor]) -> None:
        """Set every parameter by name."""
        for name, value in self.parameters().items():
            value.copy_(values[name])


def augmentation_threads(allowed: int) -> int:
    """How many threads augment beside a graphics card: as many as the training may use, else all cores but one.

    >>> augmentation_threads(2)
    2
    """
    return max(min(AUGMENTATION_THREADS, allowed or (os.cpu_count() or 2) - 1), 1)


def seed_everything(seed: int) -> None:
    """Python, NumPy and torch; nnU-Net's augmentation draws from all of them."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002  nnU-Net draws from the global generator
    torch.manual_seed(seed)
