"""Training batches: nnU-Net's sampling and augmentation, in threads of the training process. Training process only.

nnU-Net forks worker processes, which can hang once the parent has used OpenMP and stay behind when it is killed. Its
augmentation spends its time in torch and NumPy, which let other threads run. Cases that fit stay in memory.
"""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import psutil
import torch
from acvl_utils.cropping_and_padding.bounding_boxes import crop_and_pad_nd
from nnunetv2.training.dataloading.data_loader import nnUNetDataLoader
from nnunetv2.training.dataloading.nnunet_dataset import nnUNetDatasetBlosc2

CACHE_SHARE: Final = 0.25
"""Part of the free memory that cases may take."""

BYTES_PER_PX: Final = 6
"""float32 image and int16 labels."""

SWITCH_S: Final = 0.0002
"""How long a thread may keep Python's lock: the network's thread must not wait 5 ms for it at every operation."""

WAIT_S: Final = 0.5
"""How often a waiting thread looks whether it shall end."""


class CachedCases(nnUNetDatasetBlosc2):  # type: ignore[misc]
    """nnU-Net's dataset, keeping in memory what fits."""

    def __init__(self, folder: str, identifiers: list[str]) -> None:
        super().__init__(folder, list(identifiers))
        self._room = int(psutil.virtual_memory().available * CACHE_SHARE)
        self._kept: dict[str, tuple[Any, Any, Any, Any]] = {}
        self._lock = threading.Lock()

    def load_case(self, identifier: str) -> tuple[Any, Any, Any, Any]:
        """Image, labels, None, properties; arrays of shape (1, 1, rows, columns)."""
        with self._lock:
            if identifier in self._kept:
                return self._kept[identifier]
            data, labels, previous, properties = super().load_case(identifier)
            size = int(np.prod(data.shape)) * BYTES_PER_PX
            if size <= self._room:
                self._room -= size
                data, labels = data[:], labels[:]
                self._kept[identifier] = data, labels, previous, properties
            return data, labels, previous, properties


class BatchSource(nnUNetDataLoader):  # type: ignore[misc]
    """nnU-Net's loader; every crop and every augmentation is its own, only the loop around them is ours.

    Its own loop sets the thread limits of all libraries anew for each batch, which costs more than the augmentation. Of
    the patches that are centred on a class, each class gets the same share whatever the number of cases that show it:
    nnU-Net draws the case first, so that a class which few cases show is seldom seen.
    """

    _showing: dict[Any, list[str]] | None = None

    def generate_train_batch(self) -> dict[str, Any]:
        """One batch, on the CPU."""
        images, targets = [], []
        with torch.no_grad():
            for position, drawn in enumerate(self.get_indices()):
                foreground = self.get_do_oversample(position)
                key, wanted = self._case_with_class(drawn) if foreground else (drawn, None)
                image, target = self._sample(key, foreground, wanted)
                images.append(image)
                targets.append(target)
        scales = [torch.stack(scale) for scale in zip(*targets, strict=True)]
        return {"data": torch.stack(images), "target": scales}

    def _case_with_class(self, drawn: str) -> tuple[str, Any]:
        """A class, each as likely, and a case that shows it; the case as drawn where no case shows any."""
        if self._showing is None:
            self._showing = cases_by_class(self._data, self.annotated_classes_key)
        if not self._showing:
            return drawn, None
        classes = list(self._showing)
        wanted = classes[np.random.randint(len(classes))]  # noqa: NPY002 - the generator that nnU-Net seeds and uses
        cases = self._showing[wanted]
        return cases[np.random.randint(len(cases))], wanted  # noqa: NPY002

    def _sample(self, key: str, foreground: bool, wanted: Any) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """One augmented patch, and its labels at every scale of the deep supervision."""
        data, labels, _, properties = self._data.load_case(key)
        low, high = self.get_bbox(data.shape[1:], foreground, properties["class_locations"], overwrite_class=wanted)
        box = [list(pair) for pair in zip(low, high, strict=True)]
        image = torch.from_numpy(crop_and_pad_nd(data, box, 0)).float()[:, 0]
        target = torch.from_numpy(crop_and_pad_nd(labels, box, -1)).to(torch.int16)[:, 0]
        out = self.transforms(image=image, segmentation=target)
        scales = out["segmentation"]
        return out["image"], scales if isinstance(scales, list) else [scales]


def cases_by_class(cases: Any, annotated: Any) -> dict[Any, list[str]]:
    """Which cases show which class.

    Parameters
    ----------
    cases
        nnU-Net's dataset: ``identifiers`` and ``load_case``.
    annotated
        Key under which nnU-Net lists all labelled pixels; no class.
    """
    showing: dict[Any, list[str]] = {}
    for identifier in cases.identifiers:
        locations = cases.load_case(identifier)[3]["class_locations"]
        for label, places in locations.items():
            if label != annotated and len(places) > 0:
                showing.setdefault(label, []).append(identifier)
    return showing


class Prefetched:
    """An endless stream of batches that threads make ahead of time.

    Parameters
    ----------
    source
        Makes a batch with ``next``.
    threads
        How many make batches at once.
    depth
        Batches that may wait.
    pinned
        Put them into page-locked memory, for a graphics card.
    """

    def __init__(self, source: Iterator[dict[str, Any]], *, threads: int, depth: int, pinned: bool = False) -> None:
        self._source = source
        self._pinned = pinned
        self._ready: queue.Queue[dict[str, Any] | BaseException] = queue.Queue(depth)
        self._end = threading.Event()
        sys.setswitchinterval(SWITCH_S)
        own = torch.get_num_threads()
        started = threading.Barrier(threads + 1)
        for _ in range(threads):
            threading.Thread(target=self._work, args=(started,), name="augmentation", daemon=True).start()
        started.wait()
        torch.set_num_threads(own)

    def _work(self, started: threading.Barrier) -> None:
        torch.set_num_threads(1)
        started.wait()
        while not self._end.is_set():
            try:
                item: dict[str, Any] | BaseException = self._pin(next(self._source))
            except Exception as error:
                item = error
            while not self._end.is_set():
                try:
                    self._ready.put(item, timeout=WAIT_S)
                    break
                except queue.Full:
                    continue

    def _pin(self, batch: dict[str, Any]) -> dict[str, Any]:
        if not self._pinned:
            return batch
        return {"data": batch["data"].pin_memory(), "target": [scale.pin_memory() for scale in batch["target"]]}

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return self

    def __next__(self) -> dict[str, Any]:
        item = self._ready.get()
        if isinstance(item, BaseException):
            raise item
        return item

    def close(self) -> None:
        """Let the threads end."""
        self._end.set()
