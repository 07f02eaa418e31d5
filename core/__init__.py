"""Everything that Cristae does, without a user interface: usable from Python and from ``python -m core``."""

__version__ = "0.1.0"
