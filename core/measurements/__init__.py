"""Measured objects of a project: which label maps there are, asking for them to be measured, looking at the figures.

A job leaves a table beside each label pyramid, in pixels. Contacts are left out when the pixel size or the contact
distance has changed since.
"""
