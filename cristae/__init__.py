"""Cristae from Python: read a micrograph, segment it, score it, measure its objects.

>>> import cristae
>>> image = cristae.read_image("liver.tif")                            # doctest: +SKIP
>>> result = cristae.segment(image)                                    # doctest: +SKIP
>>> cristae.write_labels("labels.tif", result)                         # doctest: +SKIP
>>> objects = cristae.measure(result.labels_yx, result.classes, result.pixel_size_nm)    # doctest: +SKIP
>>> scores = cristae.score(reference_yx, result.labels_yx, result.classes)               # doctest: +SKIP

Other programs may rely on the names in ``__all__``: they change only with a new minor version, and CHANGELOG.md says
how. Everything else is Cristae's own, and may change at any time.

Importing this package puts the folder of the program on Python's path, so its parts are importable as ``core`` and
``ui`` in this process. A package of yours that is called ``core`` cannot be used in the same process.
"""

from __future__ import annotations

import sys
from pathlib import Path


def _program() -> Path:
    """The folder of the program: within this package where it is installed, beside it in a checkout."""
    here = Path(__file__).resolve().parent
    installed = here / "_program"
    return installed if installed.is_dir() else here.parent


def _find_program() -> None:
    """Let Python find the program first, and refuse to go on with another package of the same name."""
    program = _program()
    if str(program) not in sys.path:
        sys.path.insert(0, str(program))
    import core

    found = Path(core.__file__ or "").resolve()
    if found.parent.parent != program:
        raise ImportError(
            f"Cristae needs its own package `core`, but another one has been imported: {found}. "
            "Import cristae first, or use the two in separate processes."
        )


_find_program()

from core import __version__  # noqa: E402 (found only now)
from core.errors import CristaeError  # noqa: E402
from core.imaging.image import Image  # noqa: E402
from core.label_scheme import LabelClass, LabelScheme  # noqa: E402
from cristae.images import read_image, read_labels, write_labels  # noqa: E402
from cristae.results import measure, score  # noqa: E402
from cristae.segmentation import Segmentation, models, segment  # noqa: E402

__all__ = [
    "CristaeError",
    "Image",
    "LabelClass",
    "LabelScheme",
    "Segmentation",
    "__version__",
    "measure",
    "models",
    "read_image",
    "read_labels",
    "score",
    "segment",
    "write_labels",
]
