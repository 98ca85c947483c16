from __future__ import annotations

import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from audiotl_cli.classify.classifier import ClassifierOptions
from audiotl_cli.dataset.index import Clip, Index
from audiotl_cli.workflows.train import LONGEST_NAME, model_name, name_part

texts = st.text(max_size=60)
INDEX = Index([Clip("a")], Path(), Path("x.csv"))


@given(st.dictionaries(texts, texts, max_size=5), texts)
def test_a_name_is_fit_for_a_file(params: dict[str, str], split: str) -> None:
    name = model_name(INDEX, [], ClassifierOptions(params=params), split=split)

    assert len(name) <= LONGEST_NAME
    assert re.fullmatch(r"[A-Za-z0-9_.=+-]+", name)


@given(texts, texts)
def test_different_text_stays_different(one: str, other: str) -> None:
    assert (name_part(one) == name_part(other)) == (one == other)


def test_order_of_parameters_does_not_matter() -> None:
    one = ClassifierOptions(params={"C": 2, "tol": 0.1})
    other = ClassifierOptions(params={"tol": 0.1, "C": 2})
    assert model_name(INDEX, [], one) == model_name(INDEX, [], other)
