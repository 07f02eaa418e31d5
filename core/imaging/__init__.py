"""Readers, pyramids and pictures. Pure: files and arrays in, values and files out.

Images and label maps lie on disk as OME-Zarr 0.5 pyramids; level 0 is full resolution, each next level is half. A
label pyramid is written at its final path, is readable meanwhile, and has the mark ``unfinished.json`` until it is
finished; pixels that are not written yet are 255. Files that came from outside are opened by `guarded_micrograph`.
"""
