"""Training networks: preparation, loop, checkpoints, and what a training was worth."""
