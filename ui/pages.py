"""Where the pages are: what links and switches name."""

from __future__ import annotations

from typing import Final

from core.settings import ROOT

PAGES_FOLDER: Final = ROOT / "pages"
"""Of their scripts."""

CORRECT_PAGE: Final = str(PAGES_FOLDER / "correct_page.py")
DATA_PAGE: Final = str(PAGES_FOLDER / "data_page.py")
GUIDE_PAGE: Final = str(PAGES_FOLDER / "guide_page.py")
JOBS_PAGE: Final = str(PAGES_FOLDER / "jobs_page.py")
MEASURE_PAGE: Final = str(PAGES_FOLDER / "measure_page.py")
MODELS_PAGE: Final = str(PAGES_FOLDER / "models_page.py")
RESULTS_PAGE: Final = str(PAGES_FOLDER / "results_page.py")
REVIEW_PAGE: Final = str(PAGES_FOLDER / "review_page.py")
SEGMENT_PAGE: Final = str(PAGES_FOLDER / "segment_page.py")
TRAIN_PAGE: Final = str(PAGES_FOLDER / "train_page.py")
