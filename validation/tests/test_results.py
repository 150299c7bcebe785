"""`make results`: the plots and the page that shows them."""

import base64
import re
import subprocess
import sys
from pathlib import Path

from validation.tests.run_files import RunFile

ROOT = Path(__file__).resolve().parents[2]


def command(*arguments):
    line = [sys.executable, "-m", "validation.results", *map(str, arguments)]
    return subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=250)


def test_it_leaves_plots_and_a_page_that_holds_them(tmp_path):
    file = RunFile(candidates=4)
    for seed in (0, 1):
        for n in range(6):
            answers = [n, n, 9, None] if n % 2 else [3, n, n, n]
            file.votes(f"p{n}", n, answers, n, seed=seed, seconds=1.0 + n)
    run = file.save(tmp_path / "small<b>.jsonl")
    done = command("--runs", run, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "small<b>: 12 solves of 6 problems, 100.0% right" in done.stdout
    names = {"accuracy", "majority", "agreement", "seconds", "savings"}
    pictures = {path.stem: path.read_bytes() for path in (tmp_path / "out").glob("*.png")}
    assert set(pictures) == names
    assert done.stdout.endswith(f"page  {tmp_path}/out/results.html\n")
    page = (tmp_path / "out/results.html").read_text()
    shown = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    assert sorted(map(base64.b64decode, shown)) == sorted(pictures.values())
    assert "small&lt;b&gt;: 12 solves" in page and "http" not in page


def test_a_users_error_is_one_sentence(tmp_path):
    done = command("--runs", tmp_path / "none")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "none is not a file" in done.stderr and list(tmp_path.iterdir()) == []
