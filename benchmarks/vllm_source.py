"""vLLM's own attention as a GPU kernel, for comparison: taken from its wheel, not this repository.

Covers: downloading the wheel of one version (433 MB, once), keeping the one file that is needed in
the cache, importing it without the rest of vLLM. Does not cover: running vLLM.
"""

import importlib.util
import logging
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType

from common.environment import SetupError, made_once, place_of, run_steps

VERSION = "0.18.1"
"""What the T4 profile installs on Kaggle."""
MEMBER = "vllm/v1/attention/ops/triton_unified_attention.py"
PLATFORM = ["--python-version", "3.12", "--platform", "manylinux_2_31_x86_64"]


def unified_attention_file(say: Callable[[str], None] = print) -> Path:
    """Return the file with vLLM's kernel; downloads the wheel where it has not been.

    Raises:
        SetupError: it cannot be downloaded, or has no such file.
    """
    place = place_of("vllm-source", VERSION, MEMBER)

    def make() -> None:
        place.mkdir(parents=True)
        say(f"Downloading the wheel of vLLM {VERSION} (433 MB, once) ...")
        with tempfile.TemporaryDirectory(dir=place.parent) as folder:
            pip = [sys.executable, "-m", "pip", "--quiet", "download", "--no-deps", *PLATFORM]
            command = [*pip, "--only-binary=:all:", "-d", folder, f"vllm=={VERSION}"]
            run_steps("vllm", {"its wheel": command}, say)
            (wheel,) = Path(folder).glob("*.whl")
            with zipfile.ZipFile(wheel) as packed:
                (place / Path(MEMBER).name).write_bytes(packed.read(MEMBER))

    try:
        made_once(place, make)
    except (KeyError, ValueError, zipfile.BadZipFile, subprocess.SubprocessError) as error:
        raise SetupError(f"vLLM {VERSION}'s wheel has no {MEMBER} ({error}).") from None
    return place / Path(MEMBER).name


def unified_attention_module(file: Path) -> ModuleType:
    """Import the file; Triton must be on the path."""
    _replace_vllm()
    spec = importlib.util.spec_from_file_location("triton_unified_attention", file)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _replace_vllm() -> None:
    """Put stand-ins in the place of what the file imports from the rest of vLLM.

    They give what vLLM gives on a T4: no batch invariance, and a logger.
    """
    import torch

    platform = type("Platform", (), {"fp8_dtype": staticmethod(lambda: torch.float8_e4m3fn)})
    triton, language = (import_module(name) for name in ("triton", "triton.language"))
    packages = ("vllm", "vllm.model_executor", "vllm.model_executor.layers")
    modules: dict[str, dict[str, object]] = {
        **{name: {"__path__": []} for name in packages},
        "vllm.logger": {"init_logger": logging.getLogger},
        f"{packages[-1]}.batch_invariant": {"vllm_is_batch_invariant": lambda: False},
        "vllm.platforms": {"current_platform": platform},
        "vllm.triton_utils": {"tl": language, "triton": triton},
    }
    for name, members in modules.items():
        sys.modules[name] = module = ModuleType(name)
        vars(module).update(members)
