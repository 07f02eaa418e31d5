"""Prediction: a network, tiles, and what is made of their scores. Pure: knows no database, no jobs.

`predictor.Predictor` is the face. Training and prediction share the one way to another pixel size (`resampling.py`)
and to the network's grey values (`normalization.py`). An image of unknown pixel size is taken to have the model's
(`resampling.taken_pixel_size`). Importing these modules imports no torch.
"""
