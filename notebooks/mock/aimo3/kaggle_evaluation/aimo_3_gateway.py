"""A stand-in for AIMO-3's gateway; `core/gateway.py` says how it behaves.

`python -m kaggle_evaluation.aimo_3_gateway` plays the hidden rerun against a waiting `serve()`.
"""

import sys

from .core.gateway import Rules, main

RULES = Rules(
    name="AIMO-3",
    call_seconds=None,
    checks_ids=False,
    private_in_order=True,
    plain_functions_only=True,
)

if __name__ == "__main__":
    sys.exit(main(RULES))
