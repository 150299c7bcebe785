"""A stand-in for torch on a machine without a GPU: importing the real one takes seconds a start.

Where `FAKE_GPUS` says how many T4s there are, it is the real one, and only its view of them a fake.
"""

import importlib
import os
import sys
from pathlib import Path
from types import SimpleNamespace

if os.environ.get("FAKE_GPUS"):
    here = Path(__file__).resolve().parents[1]
    whole = sys.path[:]
    sys.path[:] = [entry for entry in whole if Path(entry).resolve() != here]
    del sys.modules["torch"]
    torch = importlib.import_module("torch")
    sys.path[:] = whole
    torch.cuda.is_available = lambda: True
    torch.cuda.device_count = lambda: int(os.environ["FAKE_GPUS"])
    properties = SimpleNamespace(name="Tesla T4", major=7, minor=5, total_memory=15360 << 20)
    torch.cuda.get_device_properties = lambda index: properties
else:
    __version__ = "0.0.0+fake"
    cuda = SimpleNamespace(is_available=lambda: False)
