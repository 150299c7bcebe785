"""The wheelhouse, on a small index of made wheels: downloads, hashes, and whether it is closed."""

import json

import pytest

from common import manifest
from kernel.checks.tests.model_folders import model_folder
from notebooks.cells import install
from notebooks.packaging import package, settings, wheelhouse
from notebooks.packaging.tests.small_package import write_wheel

KAGGLE = wheelhouse.Profile("small", "3.12", "x86_64-manylinux_2_35")


@pytest.fixture
def index(tmp_path, monkeypatch):
    """Stand an index on this machine in for the real one: `app` needs `part` and the image's."""
    monkeypatch.setattr(wheelhouse, "FOLDER", tmp_path / "wheels")
    (tmp_path / "wheels").mkdir()
    folder = tmp_path / "index"
    folder.mkdir()
    write_wheel(folder, "app", requires=["part>=1", "imaged==2.0"])
    write_wheel(folder, "part", tag="cp312-cp312-manylinux_2_28_x86_64")
    KAGGLE.requirements.write_text("app==1.0\n")
    KAGGLE.image.write_text("# The image has it.\nimaged==2.0\n")
    for program in ("PIP", "UV"):
        monkeypatch.setenv(f"{program}_FIND_LINKS", str(folder))
        monkeypatch.setenv(f"{program}_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    wheelhouse.lock(KAGGLE)
    return folder


def test_the_lock_has_hashes_and_leaves_out_what_the_image_has(index):
    lines = KAGGLE.lock.read_text()
    assert "app==1.0" in lines and "part==1.0" in lines and "imaged" not in lines
    assert lines.count("--hash=sha256:") == 2


def test_a_wheelhouse_holds_the_lock_for_another_python_and_is_closed(index, tmp_path):
    told = []
    wheelhouse.download(KAGGLE, tmp_path / "out", told.append)
    names = sorted(path.name for path in (tmp_path / "out").glob("*.whl"))
    assert names == ["app-1.0-py3-none-any.whl", "part-1.0-cp312-cp312-manylinux_2_28_x86_64.whl"]
    assert len(told) == 2
    listed = (tmp_path / "out" / install.LIST).read_text().splitlines()
    assert [line.split(" ")[0] for line in listed] == ["app==1.0", "part==1.0"]
    assert all("--hash=sha256:" in line for line in listed)
    assert wheelhouse.missing(KAGGLE, tmp_path / "out") == ""


def test_what_is_missing_is_named(index, tmp_path):
    wheelhouse.download(KAGGLE, tmp_path / "out", print)
    next((tmp_path / "out").glob("part*")).unlink()
    assert "part was not found" in wheelhouse.missing(KAGGLE, tmp_path / "out")


def test_another_version_in_the_image_is_named(index, tmp_path):
    wheelhouse.download(KAGGLE, tmp_path / "out", print)
    KAGGLE.image.write_text("imaged==3.0\n")
    assert "imaged==2.0" in wheelhouse.missing(KAGGLE, tmp_path / "out")


def test_a_wheel_that_breaks_what_the_image_needs_is_named(index, tmp_path):
    wheelhouse.download(KAGGLE, tmp_path / "out", print)
    KAGGLE.image.write_text("imaged==2.0\nmore==1.0\npart==0.9\n")
    KAGGLE.needs.write_text('{"more": ["part<=1.0", "imaged"]}')
    assert wheelhouse.missing(KAGGLE, tmp_path / "out") == ""
    KAGGLE.needs.write_text('{"more": ["part==0.9"]}')
    fault = wheelhouse.missing(KAGGLE, tmp_path / "out")
    assert "part==0.9" in fault and "part==1.0" in fault


def test_what_the_image_needs_and_nobody_has_is_named(index, tmp_path):
    wheelhouse.download(KAGGLE, tmp_path / "out", print)
    KAGGLE.needs.write_text('{"imaged": ["nowhere>=2"]}')
    assert "nowhere" in wheelhouse.missing(KAGGLE, tmp_path / "out")


def test_the_listed_needs_are_those_of_listed_packages():
    profile = wheelhouse.PROFILES["t4x2"]
    listed = [line.partition("==")[0] for line in wheelhouse.lines(profile.image)]
    needs = json.loads(profile.needs.read_text())
    assert set(needs) <= set(listed)
    pins = {line.partition("==")[0] for line in needs["torch"] if "==" in line}
    assert pins <= set(listed), "an image has what its torch pins"


def test_a_changed_wheel_is_refused(index, tmp_path):
    write_wheel(index, "app", files=[("app.py", "import os")], requires=["part>=1"])
    with pytest.raises(wheelhouse.WheelhouseError, match=r"(?i)hash"):
        wheelhouse.download(KAGGLE, tmp_path / "out", print)


def test_a_package_without_a_wheel_for_the_image_is_refused(index, tmp_path):
    next(index.glob("part*")).rename(index / "part-1.0-cp311-cp311-manylinux_2_28_x86_64.whl")
    with pytest.raises(wheelhouse.WheelhouseError, match="part"):
        wheelhouse.download(KAGGLE, tmp_path / "out", print)


@pytest.fixture
def small(index, tmp_path, monkeypatch):
    """Make the small wheelhouse the one of the default profile."""
    monkeypatch.setitem(wheelhouse.PROFILES, "t4x2", KAGGLE)
    return package.PackageOptions(out=tmp_path / "dist")


def contents(out):
    return {
        str(path.relative_to(out)): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file()
    }


def test_two_builds_of_the_same_tree_give_the_same_bytes(small, tmp_path):
    package.package(small, print)
    package.package(package.PackageOptions(out=tmp_path / "other"), print)
    assert contents(tmp_path / "dist") == contents(tmp_path / "other")
    assert {"kernel/submission.ipynb", "kernel/kernel-metadata.json", "wheels/manifest.json"} <= {
        *contents(tmp_path / "dist")
    }


def test_a_second_build_does_nothing(small):
    package.package(small, print)
    stamps = {path: path.stat().st_mtime_ns for path in small.out.rglob("*")}
    told = []
    parts = package.package(small, told.append)
    assert told == [] and all(part.built for part in parts)
    assert {path: path.stat().st_mtime_ns for path in small.out.rglob("*")} == stamps


def test_a_changed_module_rebuilds_the_kernel_alone(small, monkeypatch):
    package.package(small, print)
    wheels = small.out / "wheels/manifest.json"
    stamp = wheels.stat().st_mtime_ns
    changed = [*package.build.submission_cells(), package.build.Cell("more", "code", "1")]
    monkeypatch.setattr(package.build, "submission_cells", lambda: changed)
    told = []
    package.package(small, told.append)
    assert told == ["Building the notebook ..."] and wheels.stat().st_mtime_ns == stamp
    assert '"more"' in (small.out / "kernel/submission.ipynb").read_text()


def test_a_damaged_part_is_built_again(small):
    package.package(small, print)
    next((small.out / "wheels").glob("app*")).unlink()
    told = []
    package.package(small, told.append)
    assert any("Fetching" in line for line in told)
    assert list((small.out / "wheels").glob("app*"))


def test_an_open_wheelhouse_is_not_packaged(small):
    package.package(small, print)
    KAGGLE.requirements.write_text("app==1.0\nother\n")
    with pytest.raises(package.PackageError, match=r"is incomplete.*other"):
        package.package(small, print)


def test_an_uploaded_model_is_named_in_the_metadata(small):
    options = package.PackageOptions(out=small.out, model_dataset="anna/her-model")
    package.package(options, print)
    assert "anna/her-model" in (small.out / "kernel/kernel-metadata.json").read_text()
    with pytest.raises(settings.SettingsError, match="owner/slug"):
        package.package(package.PackageOptions(out=small.out, model_dataset="nonsense"), print)


def test_the_first_cell_finds_wheelhouses_below_links_once(tmp_path):
    house = tmp_path / "input/datasets/anna/wheels"
    house.mkdir(parents=True)
    (house / install.LIST).write_text("")
    (tmp_path / "input/wheels").symlink_to(house)
    (house / "up").symlink_to(tmp_path / "input")
    assert install.wheelhouses(tmp_path / "input") == [house.resolve()]


def test_the_first_cell_reads_the_weights_ahead_once_each(tmp_path, monkeypatch):
    model = tmp_path / "input/model"
    model.mkdir(parents=True)
    for name in ("b.safetensors", "a.safetensors", "config.json"):
        (model / name).write_text("x" * 100)
    (tmp_path / "input/again").symlink_to(model)
    reading = install.read_ahead(tmp_path / "input")
    assert reading is not None
    names = [str(model / name) for name in ("a.safetensors", "b.safetensors")]
    assert reading.args == ["cat", *names]
    assert reading.wait(20) == 0
    assert install.read_ahead(tmp_path / "nowhere") is None
    monkeypatch.setenv("PATH", "")
    assert install.read_ahead(tmp_path / "input") is None


def test_a_model_of_ones_own_takes_the_embedded_ones_place(small, tmp_path, monkeypatch):
    monkeypatch.setitem(wheelhouse.PROFILES, "cpu", KAGGLE)
    model = model_folder(tmp_path / "own")
    options = package.PackageOptions(profile="cpu", out=small.out, model=model)
    package.package(options, print)
    copied = small.out / "cpu/model"
    assert (copied / "model.safetensors").read_bytes() == (model / "model.safetensors").read_bytes()
    assert manifest.check(copied) == [] and (copied / "dataset-metadata.json").exists()
    told = []
    package.package(options, told.append)
    assert told == []
    with pytest.raises(package.PackageError, match=r"config\.json"):
        package.package(package.PackageOptions(profile="cpu", out=small.out, model=tmp_path), print)
