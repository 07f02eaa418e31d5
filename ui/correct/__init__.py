"""Parts of the Correct page."""
