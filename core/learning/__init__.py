"""Learning from what a project holds."""
