"""Label maps as files from outside hold them: what a value, a colour, an edge or a place in space means."""
