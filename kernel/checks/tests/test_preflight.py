"""What is found and settled before the first question, and what a scored rerun does instead."""

import pytest

from kernel.checks import preflight as module
from kernel.checks.preflight import Preflight
from kernel.checks.tests.model_folders import model_folder
from kernel.competition import Convention
from kernel.config import Config, ConfigError

STRICT = Preflight(scored=False)
find_model, settle = STRICT.find_model, STRICT.settle
AIMO_3 = Convention(modulus=None, max_answer=99_999, limit_seconds=5 * 3600)


@pytest.mark.parametrize("layout", ["aimo-model", "datasets/owner/aimo-model", "models/a/b/c/d/1"])
def test_the_model_is_found_in_every_mount_layout(tmp_path, layout):
    folder = model_folder(tmp_path / layout)
    assert find_model(Config(inputs=tmp_path)) == folder


def test_a_model_mounted_twice_through_links_counts_once(tmp_path):
    folder = model_folder(tmp_path / "datasets/owner/m")
    (tmp_path / "m").symlink_to(folder)
    assert find_model(Config(inputs=tmp_path)) == folder


def test_a_model_mounted_as_a_link_to_elsewhere_is_found(tmp_path):
    folder = model_folder(tmp_path / "elsewhere/m")
    (tmp_path / "input").mkdir()
    (tmp_path / "input/m").symlink_to(folder)
    assert Preflight().find_model(Config(inputs=tmp_path / "input")) == folder


def test_no_model_and_two_models_are_each_one_clear_sentence(tmp_path):
    with pytest.raises(ConfigError, match="found none: attach"):
        find_model(Config(inputs=tmp_path))
    for name in ("a", "b"):
        model_folder(tmp_path / name)
    with pytest.raises(ConfigError, match=r"/a, .*/b: attach one"):
        find_model(Config(inputs=tmp_path))


def test_a_configured_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="is not a model"):
        find_model(Config(model=tmp_path))


def test_the_models_profile_and_the_competitions_convention_take_their_place(tmp_path):
    folder = model_folder(tmp_path / "m", profile={"temperature": 0.3, "max_context": 2048})
    config = settle(Config(seed=5), folder, AIMO_3)
    assert (config.temperature, config.max_context, config.seed) == (0.3, 2048, 5)
    assert (config.modulus, config.max_answer, config.limit_seconds) == (None, 99_999, 18_000)


def test_a_shorter_limit_of_ones_own_stays(tmp_path):
    config = Config(limit_seconds=600, reserve_seconds=30)
    assert settle(config, model_folder(tmp_path / "m"), AIMO_3).limit_seconds == 600


def test_an_unknown_key_in_the_profile_is_refused(tmp_path):
    folder = model_folder(tmp_path / "m", profile={"temprature": 0.3})
    with pytest.raises(ConfigError, match="temprature"):
        settle(Config(), folder, AIMO_3)


@pytest.mark.parametrize(
    "values",
    [
        {"candidates": 0},
        {"rounds": -3},
        {"temperature": -1},
        {"top_p": 7},
        {"candidates": "48"},
        {"code_seconds": 0},
        {"code_seconds": float("nan")},
        {"limit_seconds": 600},
        {"reserve_seconds": 40_000},
        {"default_answer": 5000, "seed": 3},
        {"max_answer": -1},
        {"candidate": 3, "rounds": 2},
        {"examples": [{"question": "?"}]},
        {"stop": None},
        {"extra_candidates": -1},
        {"extra_candidates": 96, "extra_group": 0},
        {"stop_risk": 0.5},
        {"stop_risk": float("nan")},
        {"slots": 0},
    ],
)
def test_a_scored_rerun_takes_the_defaults_and_says_so(values):
    with pytest.raises(ConfigError):
        Preflight(scored=False).configure(values)
    preflight = Preflight(scored=True)
    assert preflight.configure(values) == Config()
    (note,) = preflight.notes
    assert note.endswith("The defaults are used instead.")


def test_settings_that_the_competitions_limit_leaves_no_room_for_give_way_to_the_defaults(tmp_path):
    config = Config(reserve_seconds=20_000, seed=3, work=tmp_path)
    with pytest.raises(ConfigError, match="reserve_seconds"):
        Preflight(scored=False).settle(config, None, AIMO_3)
    preflight = Preflight(scored=True)
    settled = preflight.settle(config, None, AIMO_3)
    expected = Config(work=tmp_path, limit_seconds=18_000, modulus=None, max_answer=99_999)
    assert settled == expected and len(preflight.notes) == 1


def test_a_broken_profile_is_refused_or_left_out(tmp_path):
    folder = model_folder(tmp_path / "m")
    (folder / "profile.json").write_text("{")
    convention = Convention(None, 99_999, 600)
    with pytest.raises(ConfigError, match=r"profile\.json is not a JSON object"):
        Preflight(scored=False).settle(Config(reserve_seconds=30), folder, convention)
    preflight = Preflight(scored=True)
    config = preflight.settle(Config(), folder, convention)
    assert (config.limit_seconds, config.reserve_seconds, config.max_answer) == (600, 60, 99_999)
    assert len(preflight.notes) == 2


def test_the_rerun_is_told_by_the_platforms_variable(monkeypatch):
    monkeypatch.delenv("KAGGLE_IS_COMPETITION_RERUN", raising=False)
    assert not Preflight().scored
    monkeypatch.setenv("KAGGLE_IS_COMPETITION_RERUN", "1")
    assert Preflight().scored


@pytest.mark.parametrize("name", ["configure", "find_model", "settle", "check_model"])
def test_a_check_that_breaks_costs_a_scored_rerun_no_answer(tmp_path, monkeypatch, name):
    competition = module.Competition("AIMO-3", "m", "S", AIMO_3)
    monkeypatch.setattr(module.competitions, "find", lambda inputs: competition)
    folder = model_folder(tmp_path / "m")
    settings = {"model": str(folder), "seed": 3}
    whole = Preflight(scored=True).prepare(settings)
    assert (whole.config.seed, whole.model) == (3, folder)
    calls = []

    def broken(*args, **kwargs):
        # The second try of a step, with less to go by, is not broken.
        if not calls:
            calls.append(name)
            raise ZeroDivisionError("bug")
        return step(*args, **kwargs)

    for scored in (False, True):
        preflight = Preflight(scored=scored)
        step = getattr(preflight, name)
        monkeypatch.setattr(preflight, name, broken)
        calls.clear()
        if not scored:
            with pytest.raises(ZeroDivisionError):
                preflight.prepare(settings)
            continue
        prepared = preflight.prepare(settings)
        assert prepared.config.seed == (0 if name == "configure" else 3)
        assert (prepared.model is None) == (name in ("configure", "find_model"))
        # Whatever breaks: the platform's limit and its answers hold.
        assert (prepared.config.limit_seconds, prepared.config.modulus) == (18_000, None)
        assert any("ZeroDivisionError" in note for note in preflight.notes)


@pytest.mark.parametrize(("hard", "candidates"), [(64, 48), (100, 26), (20, 1)])
def test_too_few_open_files_are_one_clear_sentence(monkeypatch, hard, candidates):
    limits = [(16, hard)]
    monkeypatch.setattr(module.resource, "getrlimit", lambda number: limits[-1])
    monkeypatch.setattr(module.resource, "setrlimit", lambda number, pair: limits.append(pair))
    config = Config(candidates=candidates)
    with pytest.raises(ConfigError, match=rf"allows {hard} open files.*raise the limit"):
        Preflight(scored=False).check_open_files(config)
    assert limits[-1] == (hard, hard)
    scored = Preflight(scored=True)
    scored.check_open_files(config)
    assert len(scored.notes) == 1


@pytest.mark.parametrize(("hard", "candidates"), [(168, 48), (64, 13), (-1, 48)])
def test_enough_open_files_are_no_matter(monkeypatch, hard, candidates):
    monkeypatch.setattr(module.resource, "getrlimit", lambda number: (hard, hard))
    Preflight(scored=False).check_open_files(Config(candidates=candidates))
