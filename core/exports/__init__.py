"""What people take away: single files of an image, packages of many, dataset folders that import again.

`choice.py` is the one rule which label map of an image counts. Large files are made by a job of the kind ``export``,
one at a time, and kept for a while (`kept.py`).
"""
