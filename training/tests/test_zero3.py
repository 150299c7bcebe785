"""The file for several GPUs, read by those who will read it there."""

import importlib.util
from typing import Any

import pytest
from accelerate.commands.config.config_args import load_config_from_file

from training import settings

FILE = settings.FOLDER / "zero3.yaml"


def test_accelerate_reads_the_file() -> None:
    config: Any = load_config_from_file(str(FILE))
    assert config.distributed_type == "DEEPSPEED"
    assert config.num_processes == settings.load("numina-7b").devices
    assert config.mixed_precision == "bf16"
    assert config.deepspeed_config["zero_stage"] == 3
    assert config.deepspeed_config["zero3_save_16bit_model"] is True


@pytest.mark.skipif(
    importlib.util.find_spec("deepspeed") is None,
    reason="deepspeed is for GPUs and not installed here",
)
def test_deepspeed_takes_what_accelerate_makes_of_it() -> None:
    from accelerate.utils import DeepSpeedPlugin
    from deepspeed.runtime.config import DeepSpeedConfig  # pyright: ignore

    config: Any = load_config_from_file(str(FILE))
    values = config.deepspeed_config
    plugin = DeepSpeedPlugin(
        zero_stage=values["zero_stage"],
        zero3_init_flag=values["zero3_init_flag"],
        zero3_save_16bit_model=values["zero3_save_16bit_model"],
        gradient_clipping=values["gradient_clipping"],
    )
    stage = settings.load("numina-7b").cot
    made: dict[str, Any] = dict(plugin.deepspeed_config)
    made |= {
        "train_batch_size": stage.batch,
        "train_micro_batch_size_per_gpu": stage.blocks_at_once,
        # One process here stands for the eight: it would take their parts one by one.
        "gradient_accumulation_steps": stage.batch // stage.blocks_at_once,
        "bf16": {"enabled": True},
    }
    read: Any = DeepSpeedConfig({k: v for k, v in made.items() if v != "auto"}, mpu=None)
    assert read.zero_optimization_stage == 3
