"""A stand-in for AIMO-2's gateway; `core/gateway.py` says how it behaves.

`python -m kaggle_evaluation.aimo_2_gateway` plays the hidden rerun against a waiting `serve()`.
"""

import sys

from .core.gateway import Rules, main

RULES = Rules(
    name="AIMO-2",
    call_seconds=30 * 60,
    checks_ids=True,
    private_in_order=False,
    plain_functions_only=False,
)

if __name__ == "__main__":
    sys.exit(main(RULES))
