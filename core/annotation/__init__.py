"""Correcting label maps: drafts that are painted, and the revisions that they become."""
