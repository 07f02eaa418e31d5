"""Learning from what a project holds: training labels, snapshots, beginning a training, which model counts."""
