"""The manifest tells any change of the files, and is the same for the same files."""

import hashlib
from pathlib import Path

import pytest

from common import manifest
from common.manifest import ManifestError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "b.whl").write_bytes(b"wheel")
    (tmp_path / "a.json").write_bytes(b"{}")
    (tmp_path / "dataset-metadata.json").write_text("{}")
    (tmp_path / "folder").mkdir()
    manifest.write(tmp_path)
    return tmp_path


def test_it_holds_sizes_and_digests_of_the_files_alone(folder: Path) -> None:
    entries = manifest.read(folder)
    assert list(entries) == ["a.json", "b.whl"]
    assert entries["b.whl"].bytes == 5
    assert entries["b.whl"].sha256 == hashlib.sha256(b"wheel").hexdigest()


def test_an_unchanged_folder_has_no_faults_and_gives_the_same_bytes(folder: Path) -> None:
    before = (folder / manifest.NAME).read_bytes()
    (folder / "b.whl").touch()
    manifest.write(folder)
    assert (folder / manifest.NAME).read_bytes() == before
    assert manifest.check(folder) == []
    assert not list(folder.glob(".*")), "no scratch file is left"


def test_each_kind_of_change_is_named(folder: Path) -> None:
    (folder / "a.json").unlink()
    (folder / "b.whl").write_bytes(b"Wheel")
    (folder / "c.txt").write_text("new")
    assert manifest.check(folder) == [
        "c.txt is not in the manifest.",
        "a.json is missing.",
        "b.whl does not have the contents that the manifest says.",
    ]
    (folder / "b.whl").write_bytes(b"longer wheel")
    assert "b.whl has 12 bytes instead of 5." in manifest.check(folder)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"files": []}',
        '{"files": {"a": 1}}',
        '{"files": {"a": {"bytes": 1}}}',
        '{"files": {"a": {"bytes": -1, "sha256": "' + "0" * 64 + '"}}}',
        '{"files": {"a": {"bytes": 1, "sha256": "short"}}}',
        '{"files": {"a": {"bytes": 1, "sha256": null}}}',
    ],
)
def test_what_is_no_manifest_is_a_fault_and_an_error(text: str, folder: Path) -> None:
    (folder / manifest.NAME).write_text(text)
    with pytest.raises(ManifestError, match="is not a manifest"):
        manifest.read(folder)
    assert len(manifest.check(folder)) == 1


def test_a_missing_manifest_is_a_fault(tmp_path: Path) -> None:
    assert "cannot be read" in manifest.check(tmp_path)[0]
