"""Label files from outside, read in a guarded process: the same faces as where they are read directly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.datasets.import_case import ImportCase
from core.datasets.import_check import read_labels
from core.errors import LabelMapError
from core.imaging.guarded_limits import label_limits
from core.imaging.placement import Placement
from core.label_scheme import LabelScheme
from core.labels.colors import find_colors
from core.labels.found_colors import FoundColors
from core.labels.guarded_reading import shown_names
from core.labels.report import LabelImport, LabelReport
from core.outside.guarded import GIB, Limits, Subject, guarded_with
from core.outside.links import require_no_link


def read_labels_guarded(
    case: ImportCase, scheme: LabelScheme, shape_yx: tuple[int, int], placement: Placement | None = None
) -> LabelImport:
    """The label map of a case; see `read_labels`.

    Raises
    ------
    LabelMapError
        As there; also where reading it took too much memory or time, or crashed.
    """
    subject = Subject(shown_names(case.label_paths), LabelMapError)
    report, packed = guarded_with(
        label_limits(case.label_paths, shape_yx), subject, labels_of_case, case, scheme, shape_yx, placement
    )
    return LabelImport.unpacked(report, packed, shape_yx)


def find_colors_guarded(path: Path) -> FoundColors:
    """The colours of a picture; see `find_colors`.

    Raises
    ------
    LabelMapError
        As there; also where reading it took too much memory or time, or crashed.
    """
    require_no_link(path, LabelMapError)
    limits = Limits(memory_bytes=8 * GIB, busy_s=120)
    return guarded_with(limits, Subject(path.name, LabelMapError), colors_of_file, path)


def labels_of_case(
    case: ImportCase, scheme: LabelScheme, shape_yx: tuple[int, int], placement: Placement | None
) -> tuple[LabelReport, NDArray[np.uint8]]:
    """Within the guarded process: `read_labels`."""
    read = read_labels(case, scheme, shape_yx, placement)
    return read.report, read.packed()


def colors_of_file(path: Path) -> FoundColors:
    """Within the guarded process: `find_colors`."""
    return find_colors(path)
