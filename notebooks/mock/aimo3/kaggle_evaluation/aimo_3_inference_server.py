"""A stand-in for AIMO-3's inference server; `core/server.py` says how it behaves."""

from .aimo_3_gateway import RULES
from .core.server import InferenceServer


class AIMO3InferenceServer(InferenceServer):
    """Serves `predict` to AIMO-3's gateway."""

    rules = RULES
