"""The demo project and the starter model: synthetic tissue, simulated corrections, two short rounds."""
