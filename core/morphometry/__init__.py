"""What a label map says about tissue: coverage, objects, sizes. Pure."""
