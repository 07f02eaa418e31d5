"""Guide: the documentation, inside the app."""

from ui.guide.page import guide_page

guide_page()
