"""Training: how long, how well, and what may be said of it."""
