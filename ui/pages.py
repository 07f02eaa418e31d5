"""Where the pages are: what links and switches name."""

from __future__ import annotations

from typing import Final

from core.settings import ROOT

_PAGES: Final = ROOT / "pages"

CORRECT_PAGE: Final = str(_PAGES / "correct_page.py")
DATA_PAGE: Final = str(_PAGES / "data_page.py")
GUIDE_PAGE: Final = str(_PAGES / "guide_page.py")
JOBS_PAGE: Final = str(_PAGES / "jobs_page.py")
MEASURE_PAGE: Final = str(_PAGES / "measure_page.py")
MODELS_PAGE: Final = str(_PAGES / "models_page.py")
RESULTS_PAGE: Final = str(_PAGES / "results_page.py")
REVIEW_PAGE: Final = str(_PAGES / "review_page.py")
SEGMENT_PAGE: Final = str(_PAGES / "segment_page.py")
TRAIN_PAGE: Final = str(_PAGES / "train_page.py")
