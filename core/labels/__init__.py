"""Label maps: what values, colours and edges in files from outside mean, and whose classes numbers stand for."""
