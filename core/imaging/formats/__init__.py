"""File formats: one module each, one row each in `FORMATS`. A new format is a new module and a new row."""

from core.imaging.formats.jpeg import JPEG
from core.imaging.formats.mrc import MRC
from core.imaging.formats.nifti import NIFTI
from core.imaging.formats.png import PNG
from core.imaging.formats.source import Format
from core.imaging.formats.tiff import TIFF

FORMATS: tuple[Format, ...] = (PNG, JPEG, TIFF, NIFTI, MRC)
"""Asked in this order; MRC last, because files of old programs have no magic word."""
