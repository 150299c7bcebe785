"""A stand-in for AIMO-2's `kaggle_evaluation`; see `core/server.py` and `core/gateway.py`."""
