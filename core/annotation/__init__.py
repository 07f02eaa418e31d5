"""Correcting label maps: drafts that are painted, and the revisions that they become.

A draft belongs to one author and is held by one browser tab at a time. Every post of tiles is one transaction and
counts once, however often it is sent. Submitting writes an immutable revision; submitting again gives the same one.
"""
