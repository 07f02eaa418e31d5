"""Dataset folders: images beside their label maps, planned, checked, read and written."""
