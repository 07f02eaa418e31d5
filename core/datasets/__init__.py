"""Dataset folders: images beside their label maps, planned, checked, read and written.

A plan opens nothing: it pairs names. Groups (stack or specimen) come from dataset.json, else names that differ only
in their last number are one group.
"""
