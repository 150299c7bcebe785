"""What a newer image or client changes, as tables; lists in every form that pip prints."""

import re
from pathlib import Path

import pytest

from notebooks.packaging import doctor, wheelhouse
from notebooks.packaging.wheelhouse import PROFILES, Profile

FORMS = {
    "freeze": "torch==2.10.0+cu128\nzope.interface==7.0\n# comment\n-e git+https://x#egg=y\n",
    "list": "Package         Version\n--------------- -------\ntorch           2.10.0+cu128\n"
    "zope.interface  7.0\n",
    "list with places": "torch 2.10.0+cu128 /kaggle/x\nZope_Interface 7.0 pip\n",
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_list_is_read(form: str, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text(FORMS[form])
    found = doctor.read_list(tmp_path / "list.txt")
    assert found == {"torch": "2.10.0+cu128", "zope-interface": "7.0"}


@pytest.mark.parametrize("text", [None, "", "no packages here\n", b"\xff\xfe"])
def test_what_is_no_list_is_one_sentence(text: str | bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(doctor.DoctorError) as error:
        doctor.read_list(path)
    assert str(path) in str(error.value) and "\n" not in str(error.value)


@pytest.fixture
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Profile:
    monkeypatch.setattr(wheelhouse, "FOLDER", tmp_path)
    small = Profile("small", "3.12", "x86_64-manylinux_2_35")
    small.image.write_text("torch==2.10.0+cu128\ncuda-bindings==12.9.4\n")
    small.needs.write_text('{"torch": ["cuda-bindings==12.9.4", "sympy>=1.13"]}')
    small.lock.write_text("sympy==1.14.0 \\\n    --hash=sha256:0\ntransformers==4.57.6 \\\n")
    return small


SAME = {"torch": "2.10.0+cu128", "cuda-bindings": "12.9.4", "sympy": "1.14.0"}
CHANGES = {
    "nothing": ({}, []),
    "another torch": ({"torch": "2.11.0+cu128"}, [("torch", False)]),
    "a broken pin": (
        {"cuda-bindings": "13.0.0"},
        [("cuda-bindings", False), ("cuda-bindings", False)],
    ),
    "one that we put back": ({"transformers": "5.2.0"}, [("transformers", True)]),
    "one that we raise": ({"transformers": "4.50.0", "sympy": "1.12"}, []),
    "another package": ({"tensorflow": "2.20.0"}, []),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_a_newer_image_changes(name: str, profile: Profile) -> None:
    values, expected = CHANGES[name]
    found = doctor.image_changes(profile, {**SAME, **values})
    assert [(change.package, change.harmless) for change in found] == expected


def test_what_is_gone_from_an_image_is_a_change(profile: Profile) -> None:
    (change,) = doctor.image_changes(profile, {"cuda-bindings": "12.9.4"})
    assert (change.package, change.now) == ("torch", "")
    assert "make lock-wheels" in change.means


def test_the_pinned_image_itself_changes_nothing() -> None:
    listed = wheelhouse.lines(PROFILES["t4x2"].image)
    now = dict(re.split("==", line) for line in listed)
    assert doctor.image_changes(PROFILES["t4x2"], now) == []


def test_another_client_is_to_be_tested() -> None:
    assert doctor.client_changes("2.2.4", "2.2.4") == []
    (change,) = doctor.client_changes("2.2.4", "2.3.0")
    assert (change.before, change.now, change.harmless) == ("2.2.4", "2.3.0", False)
    assert re.fullmatch(r"\d+\.\d+\.\d+", doctor.tested_client())
