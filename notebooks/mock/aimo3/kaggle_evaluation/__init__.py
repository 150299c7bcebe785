"""A stand-in for AIMO-3's `kaggle_evaluation`; see `core/server.py` and `core/gateway.py`."""
