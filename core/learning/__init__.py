"""Learning from what a project holds: training labels, snapshots, beginning a training, which model counts.

A training learns from the newest reference of an image and its approved corrections, each where its author has
confirmed it; all other pixels are *ignore*. The list is frozen as a snapshot, which is refused if it holds a test
image. `current_model` is the one rule for the model that is proposed anywhere.
"""
