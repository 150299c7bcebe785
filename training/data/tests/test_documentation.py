"""The page on training data says what the code does."""

import re
from dataclasses import fields
from pathlib import Path

from kernel.config import Config
from kernel.engine.tokenizer import Encoding
from training.data.families.catalogue import table
from training.data.filters import CONTAMINATED, checks_of
from training.data.rows import Row
from validation.tests.fake_server import Characters

PAGE = (Path(__file__).resolve().parents[3] / "docs/training-data.md").read_text("utf-8")


def test_the_families_are_those_of_the_code():
    shown = PAGE.partition("<!-- families -->\n")[2].partition("\n<!-- end -->")[0]
    hint = "put the output of `python -m training.data.families.catalogue` between the marks"
    assert shown == table(), hint


def test_the_filters_and_keys_are_those_of_the_code():
    part = PAGE.partition("## Filters")[2].partition("## ")[0]
    named = re.findall(r"^\| ([a-z 13]+) \|", part, re.M)[1:]
    checks = checks_of("tir", Encoding(Characters()), Config())
    assert named == [*(name for name, _ in checks), CONTAMINATED]
    keys = re.findall(r"`(\w+)`", PAGE.partition("## A row")[2].partition("\n\nA model")[0])
    assert {field.name for field in fields(Row)} <= set(keys)
