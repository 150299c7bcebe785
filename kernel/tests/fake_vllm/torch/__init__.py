"""A stand-in for torch on a machine without a GPU: importing the real one takes seconds a start."""

from types import SimpleNamespace

cuda = SimpleNamespace(is_available=lambda: False)
