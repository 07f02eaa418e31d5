"""Prediction: one warm network, any number of images, results in blocks while they are made.

Agrees with nnU-Net's own predictor at the same settings (tests/core/segmentation/test_agreement.py says how closely),
but normalises the whole image once, keeps only the rows that tiles still reach, and hands on finished rows at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from core.errors import PredictionError
from core.familiarity.verdict import Verdict, judged
from core.imaging.block_sink import BlockSink
from core.imaging.image import Image
from core.models.store import StoredModel
from core.segmentation.backends import choose_backend
from core.segmentation.backends.base import FLOAT32, NetworkRequest, TileNetwork
from core.segmentation.backends.calibration import TILES, Trial, compare
from core.segmentation.blocks import BlockCollector
from core.segmentation.parting import PartingRows
from core.segmentation.prediction_run import Finisher, Progress, ProgressCallback, network_passes, run_network
from core.segmentation.prediction_summary import PredictionSummary
from core.segmentation.resampling import scale_factor
from core.segmentation.tile_source import TileSource, find_frame
from core.segmentation.tiling import Weighting
from core.segmentation.window_sample import WindowSample
from core.settings import BackendChoice, Precision, available_threads
from core.wording import significant

MIN_CALIBRATION_TILES: Final = 16
"""Smaller images are done in float32 before a trial of something faster has paid."""


class Predictor:
    """A model, ready to segment images of any size. Keep it: only the first image pays for loading.

    Not for use by several threads at once.

    Parameters
    ----------
    model
        From the store.
    backend
        "auto" (CUDA, then MPS, then OpenVINO, then torch on the CPU), "torch", or a name that `available_backends`
        lists.
    precision
        "exact" is float32; "fast" is half precision where it is faster and agrees with float32 on the first image.
    threads
        CPU threads; None or 0: as many as this process may use.
    cache_dir
        Where the network is kept in the form that the backend reads fastest; None: converted at every start.

    Raises
    ------
    PredictionError
        The backend does not exist or cannot be used here.
    """

    def __init__(
        self,
        model: StoredModel,
        *,
        backend: str = BackendChoice.AUTO,
        precision: str = Precision.FAST,
        threads: int | None = None,
        cache_dir: Path | None = None,
    ) -> None:
        if precision not in tuple(Precision):
            raise PredictionError(f"There is no precision {precision!r}.", "Use exact or fast.")
        self.model = model
        self.backend = choose_backend(str(backend))
        self.device = self.backend.info().device
        self.precision = Precision(precision)
        self.threads = threads or available_threads()
        self.cache_dir = cache_dir
        self._networks: dict[tuple[tuple[str, ...], str], TileNetwork] = {}
        self._trial: Trial | None = None

    def predict(
        self,
        image: Image,
        sink: BlockSink,
        *,
        pixel_size_nm: float | None = None,
        step: float = 0.5,
        mirroring: bool = False,
        weighting: str = Weighting.GAUSSIAN,
        folds: Sequence[str | int] | None = None,
        on_progress: ProgressCallback | None = None,
        should_cancel: Callable[[], bool] | None = None,
        take_parting: Callable[[PartingRows], object] | None = None,
        take_sample: Callable[[WindowSample], object] | None = None,
    ) -> PredictionSummary:
        """Segment an image; finished blocks go to the sink from top to bottom.

        Parameters
        ----------
        image
            Any size, one pixel upwards.
        sink
            Receives labels (class ids of the model's scheme) and confidence (255 times the winner's softmax
            probability) on the image's own grid.
        pixel_size_nm
            Of the image, where it does not know itself or is wrong; None: the image's own.
        step
            Distance of tiles as a fraction of their size, above 0, at most 1. nnU-Net's is 0.5.
        mirroring
            Average over mirrored copies along the model's axes: up to four times the work for a small gain.
        weighting
            "gaussian" (nnU-Net's) or "center".
        folds
            Names of the folds to average; None: all.
        on_progress
            Told some times a second.
        should_cancel
            Asked some times a second, between batches of tiles.
        take_parting
            Given, at the end, the pixels that part touching objects, if the model has learned to find them.
        take_sample
            Given, at the end, windows of the image with the network's scores.

        Raises
        ------
        PredictionError
            Unusable settings, or an image that the model cannot take.
        ModelError
            The model's files do not fit together, or it has no such fold.
        JobCancelledError
            ``should_cancel`` said so; the sink may have received some blocks.
        """
        start = time.perf_counter()
        names = self._fold_names(folds)
        blend = _weighting(weighting)
        size_nm = pixel_size_nm if pixel_size_nm is not None else image.pixel_size.nm
        factor = scale_factor(size_nm, self.model.pixel_size_nm)
        progress = Progress(on_progress, should_cancel)
        progress.check()
        frame = find_frame(image.pixels_yx)
        framed = frame.cut(image.pixels_yx)
        source = TileSource(framed, self.model, factor, step)
        network = self._network(names, source)
        passes = network_passes(len(names), self.model.mirror_axes if mirroring else ())
        collector = BlockCollector(sink, image.shape, (frame.rows[0], frame.columns[0]))
        parting = None
        if take_parting is not None and self.model.card.parting_outputs:
            parting = PartingRows(image.shape, (frame.rows[0], frame.columns[0]))
        sample = self._sample(source, keep_scores=take_sample is not None)
        finisher = Finisher(source, (framed.shape[0], framed.shape[1]), self.model.card, collector, parting, sample)
        band = network.band(source.plan, blend, len(passes))
        run_network(network, band, source, passes, finisher, progress)
        collector.finish()
        if take_parting is not None and parting is not None:
            take_parting(parting)
        if take_sample is not None and sample is not None:
            take_sample(sample)
        return PredictionSummary(
            model_id=self.model.id,
            backend=self.backend.name,
            device=self.device,
            precision=network.precision,
            shape_yx=image.shape,
            scale_factor=factor,
            pixel_size_nm=size_nm,
            tiles=len(source.plan),
            step=step,
            mirroring=mirroring,
            weighting=blend.value,
            folds=names,
            seconds=time.perf_counter() - start,
            fast_agreement=self._trial.agreement if self._trial else None,
            notices=self._notices(size_nm, factor, network.precision),
            verdict=self._verdict(sample),
        )

    def _sample(self, source: TileSource, *, keep_scores: bool) -> WindowSample | None:
        """What collects windows of the image; None where nobody would judge them."""
        if not keep_scores and not self.model.card.looks.known:
            return None
        outputs = self.model.card.class_outputs
        owners = [outputs.index(class_id) for class_id in self.model.card.parting_outputs]
        return WindowSample(source, len(outputs), owners, keep_scores=keep_scores)

    def _verdict(self, sample: WindowSample | None) -> dict[str, Any]:
        """Whether the image is like what the model learned from, as plain values."""
        if sample is None:
            return Verdict().to_json()
        card = self.model.card
        names = [card.scheme.name_of(class_id) for class_id in card.class_outputs[1:]]
        return judged(card.looks, sample.features(), names).to_json()

    def _fold_names(self, folds: Sequence[str | int] | None) -> tuple[str, ...]:
        """Checked names of the folds to use."""
        names = self.model.folds if folds is None else tuple(str(fold) for fold in folds)
        if not names:
            raise PredictionError("No fold is selected.", f"Choose from {', '.join(self.model.folds)}.")
        for name in names:
            self.model.weights(name)
        return names

    def _network(self, folds: tuple[str, ...], source: TileSource) -> TileNetwork:
        """The network in the precision to use, trying the fast one on this image if that was not done yet."""
        precision = FLOAT32
        if self.precision is Precision.FAST:
            fast = self.backend.precisions[-1]
            if self._trial is None and fast != FLOAT32 and len(source.plan) >= MIN_CALIBRATION_TILES:
                numbers = np.linspace(0, len(source.plan) - 1, TILES + 2).astype(int)[1:-1]
                tiles = np.concatenate([source.tiles(range(n, n + 1)) for n in numbers])
                self._trial = compare(self._opened(folds, FLOAT32), self._opened(folds, fast), tiles)
                self._networks.pop((folds, FLOAT32 if self._trial.accepted else fast))
            if self._trial is not None and self._trial.accepted:
                precision = fast
        return self._opened(folds, precision)

    def _opened(self, folds: tuple[str, ...], precision: str) -> TileNetwork:
        """A ready network, kept for the next image."""
        key = (folds, precision)
        if key not in self._networks:
            request = NetworkRequest(self.model, folds, precision, self.threads, self.cache_dir)
            self._networks[key] = self.backend.open(request)
        return self._networks[key]

    def _notices(self, size_nm: float | None, factor: float, precision: str) -> tuple[str, ...]:
        """What the user should know."""
        notices = []
        if size_nm is None and self.model.pixel_size_nm is not None:
            notices.append(
                f"The image's pixel size is unknown; the model's was assumed, {self.model.pixel_size_nm:g} nm. "
                "Enter the correct size if the result looks wrong."
            )
        if factor != 1:
            notices.append(
                f"The image was {'enlarged' if factor > 1 else 'shrunk'} by {significant(max(factor, 1 / factor), 3)} "
                f"to the model's {self.model.pixel_size_nm:g} nm per pixel; the result is on the image's own grid."
            )
        if self._trial is not None and precision == FLOAT32 and self._trial.agreement < 0.997:
            notices.append(
                f"{self._trial.precision} changed {1 - self._trial.agreement:.2%} of the pixels, so float32 was used."
            )
        return tuple(notices)


def _weighting(name: Any) -> Weighting:
    """Checked name of a weighting."""
    if name not in tuple(Weighting):
        raise PredictionError(f"There is no weighting {name!r}.", "Use gaussian or center.")
    return Weighting(name)
