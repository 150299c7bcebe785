"""A stand-in for torch on a machine without a GPU: importing the real one takes seconds a start."""

from types import SimpleNamespace

__version__ = "0.0.0+fake"
cuda = SimpleNamespace(is_available=lambda: False)
