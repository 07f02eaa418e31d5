"""Training networks: preparation, loop, checkpoints, and what a training was worth.

A training runs in a child process and keeps unfinished work beside the model's folder, under a lock. It goes on with
``resume=True`` and the same request; without it unfinished work is refused, never thrown away.
"""
