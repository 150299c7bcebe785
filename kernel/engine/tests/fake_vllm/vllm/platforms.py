"""The machine as vLLM tells it: T4s where `FAKE_GPUS` says how many, else a CPU."""

import os
from types import SimpleNamespace


class _Platform:
    def is_cuda(self):
        """Tell whether there are GPUs."""
        return bool(os.environ.get("FAKE_GPUS"))

    def get_device_capability(self, index):
        """A T4's."""
        return SimpleNamespace(major=7, minor=5)

    def get_device_total_memory(self, index):
        """A T4's."""
        return 15360 << 20

    def get_device_name(self, index):
        """A T4's."""
        return "Tesla T4"


current_platform = _Platform()
