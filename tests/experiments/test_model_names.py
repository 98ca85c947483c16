from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiotl_cli.classifiers.card import ModelCard
from audiotl_cli.classifiers.options import ClassifierOptions
from audiotl_cli.dataset.index import Clip, Index
from audiotl_cli.experiments.model_names import LONGEST_NAME, model_name, name_part
from audiotl_cli.experiments.saving import write_card

texts = st.text(max_size=60)
INDEX = Index([Clip("a")], Path(), Path("x.csv"))
CARD = ModelCard("logreg", "mean", {}, True, None, 0, ["a", "b"], [], "x.csv", "00ff", "train", 30)


@given(st.dictionaries(texts, texts, max_size=5), texts)
def test_a_name_is_fit_for_a_file(params: dict[str, str], split: str) -> None:
    name = model_name(INDEX, [], ClassifierOptions(params=params), split=split)

    assert len(name) <= LONGEST_NAME
    assert re.fullmatch(r"[A-Za-z0-9_.=+-]+", name)


@given(texts, texts)
def test_different_text_stays_different(text: str, other: str) -> None:
    assert (name_part(text) == name_part(other)) == (text == other)


def test_order_of_parameters_does_not_matter() -> None:
    options = ClassifierOptions(params={"C": 2, "tol": 0.1})
    other = ClassifierOptions(params={"tol": 0.1, "C": 2})
    assert model_name(INDEX, [], options) == model_name(INDEX, [], other)


def test_a_card_takes_the_place_of_cards_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model, page = tmp_path / "README.joblib", tmp_path / "README.md"

    write_card(CARD, model)
    first = page.read_text()
    write_card(replace(CARD, n_clips=31), model)
    assert page.read_text() == first.replace("30 clips", "31 clips") != first
    assert not caplog.records

    for own in ("# My own\n", "", "\n" + first):
        page.write_text(own)
        write_card(CARD, model)
        assert page.read_text() == own
        assert f"{page} is no model card of audiotl's" in caplog.text
        caplog.clear()
