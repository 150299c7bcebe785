"""Model folders that are whole by their headers and hold next to nothing."""

import json
import struct

TENSORS = {"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}


def weights(header=TENSORS, body=bytes(4)):
    """Return a safetensors file."""
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


def model_folder(path, config=None, profile=None):
    """Lay out a model of one weight file; return its folder."""
    path.mkdir(parents=True)
    (path / "config.json").write_text(json.dumps(config or {}))
    (path / "model.safetensors").write_bytes(weights())
    if profile is not None:
        (path / "profile.json").write_text(json.dumps(profile))
    return path


def sharded_folder(path, config=None, shards=("a", "b"), there=("a", "b")):
    """Lay out a model whose index names `shards`, of which some are there; return its folder."""
    path.mkdir()
    (path / "config.json").write_text(json.dumps(config or {}))
    index = {"weight_map": {f"layer{n}": f"{name}.safetensors" for n, name in enumerate(shards)}}
    (path / "model.safetensors.index.json").write_text(json.dumps(index))
    for name in there:
        (path / f"{name}.safetensors").write_bytes(weights())
    return path
