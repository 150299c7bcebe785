"""`make quantize`: a fine-tuned model in, a verified 8-bit model folder for Kaggle out.

Covers: the order of the steps (check, calibrate, quantize, compare, write, read back), resuming
where an earlier run was interrupted, the report. Does not cover: the steps themselves (`steps`).
Exit status: 0 built, 1 a step or a gate failed, 2 a user's error, 130 Ctrl-C.
"""

import signal
import sys
import time
from typing import Any

import tyro

from common.console import heed_ctrl_c
from common.environment import SetupError
from common.files import FileError
from kernel.checks import machine
from quantize import steps
from quantize.calibration.heldout import HeldOutError
from quantize.comparison.compare import CompareError
from quantize.environments.running import RecipeRunError
from quantize.options import QuantizeOptions
from quantize.source.check import InputError
from quantize.steps import BuildError, say
from quantize.workplace import Workplace, opened
from quantize.writing.folder import WriteError


def main() -> None:
    """Run the command."""
    # Ended politely, so that the recipe's processes end with it.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))
    options = tyro.cli(QuantizeOptions)
    heed_ctrl_c()
    try:
        build(options)
    except (InputError, HeldOutError, FileError) as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    except (BuildError, RecipeRunError, SetupError, CompareError, WriteError) as error:
        print(error, file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("Stopped. Finished work is kept: the same command resumes.", file=sys.stderr)
        sys.exit(130)


def build(options: QuantizeOptions) -> None:
    """Do all steps that are not done, and put the model's folder in its place.

    Raises:
        InputError: something that was given cannot work.
        BuildError, RecipeRunError, SetupError, CompareError, WriteError: a step failed.
    """
    begun = time.monotonic()
    say("[1/6] Check")
    source, report = steps.check(
        options.model, options.recipe, options.count, options.out, options.workplace
    )
    report = {"recipe": options.recipe, **report}
    with opened(options.workplace, options.key(source)) as (place, again):
        if again:
            say(f"  resuming what {place.folder} holds of this build")
        say("[2/6] Calibration")
        report["calibration"] = steps.calibrate(
            source, place, options.recipe, options.conversations, options.count, options.seed
        )
        say(f"[3/6] Quantize with {options.recipe}")
        report["quantization"] = steps.quantize(source, place, options.recipe)
        say("[4/6] Compare")
        found = steps.measure(source, place, options.recipe, options.heldout)
        report |= {"comparison": found.to_json(), "gates": vars(options.gates)}
        report["versions"] = machine.versions()
        steps.judge(found, options.gates, place, report)
        say("[5/6] Write")
        staged = steps.write(source, place, report, options.out)
        say("[6/6] Read back")
        solved = steps.read_back(staged, place, options.solve)
        finish(place, report | {"read_back": solved.to_json()}, begun)
        staged.rename(options.out)
    say(f"model   {options.out}\nreport  {place.folder / 'report.json'}")
    say(solved.sentence())


def finish(place: Workplace, report: dict[str, Any], begun: float) -> None:
    """Keep the report, and free the disk of what the model's folder now holds."""
    report["seconds_this_run"] = round(time.monotonic() - begun, 1)
    place.keep("report", report)
    place.clear_weights()


if __name__ == "__main__":
    main()
