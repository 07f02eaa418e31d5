"""Mutated files: every one is read or refused with a clear message; none ends in another error, none never ends."""
