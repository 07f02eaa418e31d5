"""Work that is asked for on many images at once: files dropped together, images segmented together."""
