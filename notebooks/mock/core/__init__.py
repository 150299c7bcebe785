"""What the stand-ins for the three competition APIs share. Each links here as its own `core`.

The links keep exactly one of `aimo` and the two `kaggle_evaluation` importable when one of the
folders `aimo1`, `aimo2`, `aimo3` is put on the path. Copy such a folder with its links resolved.
"""
