"""Readers, pyramids and label-map import. Pure: files and arrays in, values and files out."""
