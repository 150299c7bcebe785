"""Whether Kaggle's libraries read a model: each fault, the refusal, and a dataset on Kaggle.

The reader's own rules are tried with this environment's transformers; what only the wheelhouse's
version refuses, in its environment, where that has been made.
"""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from common import embedded_model
from notebooks.mock.kaggle_service.account import Account, Version
from notebooks.packaging import loading, read_model
from notebooks.publishing.tests.kaggle_standing import standing

made = pytest.mark.skipif(
    not (loading.place() / ".ready").exists(),
    reason="needs the environment that `make package` makes for checking a model",
)


def edit(folder: Path, name: str, **values: Any) -> None:
    settings = json.loads((folder / name).read_text("utf-8"))
    (folder / name).write_text(json.dumps({**settings, **values}), "utf-8")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Copy the embedded model, without its weights."""
    source = embedded_model.ensure()
    folder = tmp_path / "model"
    folder.mkdir()
    for path in source.iterdir():
        if path.suffix != ".safetensors":
            shutil.copyfile(path, folder / path.name)
    return folder


FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "no config": (lambda f: (f / "config.json").unlink(), "config.json cannot be read"),
    "unknown kind": (
        lambda f: edit(f, "config.json", model_type="no-such-kind"),
        "config.json cannot be read",
    ),
    "no tokenizer": (
        lambda f: [(f / name).unlink() for name in ("tokenizer.json", "tokenizer_config.json")],
        "the tokenizer cannot be read",
    ),
    "no template": (lambda f: (f / "chat_template.jinja").unlink(), "chat template fails"),
    "broken template": (
        lambda f: (f / "chat_template.jinja").write_text("{% for %}"),
        "chat template fails",
    ),
    "template without the question": (
        lambda f: (f / "chat_template.jinja").write_text("Hello."),
        "leaves the question out",
    ),
    "ids beyond the model": (
        lambda f: edit(f, "config.json", vocab_size=100),
        "the model has 100 tokens",
    ),
    "no safetensors": (
        lambda f: (f / "model.safetensors").write_bytes(b"version https://git-lfs"),
        "model.safetensors cannot be read",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_is_named(name: str, model: Path) -> None:
    spoil, phrase = FAULTS[name]
    spoil(model)
    assert any(phrase in fault for fault in read_model.faults(model))


def test_the_embedded_model_has_none(model: Path) -> None:
    assert list(read_model.faults(model)) == []


@made
def test_the_wheelhouses_version_reads_the_embedded_model_and_not_what_5_saves(model: Path) -> None:
    assert loading.faults(model, print) == []
    edit(model, "tokenizer_config.json", tokenizer_class="TokenizersBackend")
    settings = json.loads((model / "config.json").read_text("utf-8"))
    del settings["rope_theta"]
    (model / "config.json").write_text(json.dumps(settings))
    rotation, tokenizer = loading.faults(model, print)
    assert rotation == "the config's rope_theta is read as 10000.0, not 100000.0"
    assert "TokenizersBackend" in tokenizer


def test_all_that_the_environment_needs_is_in_the_lock() -> None:
    assert loading.version().startswith("4.")
    assert loading.locked(loading.NAMES).count("==") == len(loading.NAMES)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read with this environment's libraries: the same refusals, and nothing to install."""
    monkeypatch.setattr(loading, "interpreter", lambda say: Path(sys.executable))


@pytest.mark.usefixtures("here")
def test_a_model_that_is_not_read_is_refused_with_what_to_do(model: Path) -> None:
    loading.check_model(model, print)
    (model / "chat_template.jinja").unlink()
    with pytest.raises(loading.LoadingError) as error:
        loading.check_model(model, print)
    sentence = str(error.value)
    assert f"would not load {model}: the chat template fails" in sentence
    assert "`make quantize`" in sentence and f"common.saved_model {model}" in sentence
    assert "\n" not in sentence


@pytest.mark.usefixtures("here")
def test_a_dataset_on_kaggle_is_read_without_its_weights(model: Path, tmp_path: Path) -> None:
    files = {path.name: path.read_bytes() for path in model.iterdir()}
    account = Account()
    account.datasets["anna/whole"] = [Version({**files, "model.safetensors": b"large"}, {})]
    del files["chat_template.jinja"]
    account.datasets["anna/spoilt"] = [Version({**files, "model.safetensors": b"large"}, {})]
    account.datasets["anna/data"] = [Version({"train.jsonl": b"{}"}, {})]
    with standing(account, tmp_path / "home"):
        loading.check_dataset("anna/whole", print)
        with pytest.raises(loading.LoadingError, match="would not load anna/spoilt: the chat"):
            loading.check_dataset("anna/spoilt", print)
        with pytest.raises(loading.LoadingError, match=r"anna/data: it has no \*\.safetensors"):
            loading.check_dataset("anna/data", print)


def test_without_a_credential_a_dataset_is_said_not_to_be_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with standing(Account(), tmp_path / "home", None):
        loading.check_dataset("anna/model", print)
    assert "anna/model is not checked, because Kaggle cannot be asked" in capsys.readouterr().err
