"""A stand-in for AIMO-2's inference server; `core/server.py` says how it behaves."""

from .aimo_2_gateway import RULES
from .core.server import InferenceServer


class AIMO2InferenceServer(InferenceServer):
    """Serves `predict` to AIMO-2's gateway."""

    rules = RULES
