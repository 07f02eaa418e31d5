"""Label maps: their files, colours, values and classes."""
