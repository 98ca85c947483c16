from __future__ import annotations

from pathlib import Path

from audiotl_cli.classifiers.card import ExtractorSpec, ModelCard
from audiotl_cli.classifiers.model_text import card_path, card_text
from audiotl_cli.extractor_config import ExtractorConfig


def _card(**other: object) -> ModelCard:
    values: dict[str, object] = {
        "classifier": "logreg", "pooling": "mean+std", "params": {"C": 1.0}, "scale": True,
        "pca": None, "seed": 0, "labels": ["<b>cat</b>", "a|b*c", "broken\udcff"],
        "extractors": [
            ExtractorSpec(ExtractorConfig("yamnet"), "abc", 1024, weights="unverified:mine.h5")
        ],
        "index": "pets.csv", "index_sha256": "00ff", "split": "train", "n_clips": 30,
    }  # fmt: skip
    return ModelCard(**(values | other))  # type: ignore[arg-type]


def test_a_card_says_what_a_model_is() -> None:
    held_out = {"split": "test", "n_clips": 10, "accuracy": 0.9}

    text = card_text(_card(held_out=held_out), Path("m.joblib"))

    for part in ("30 clips", r"pets.csv", "00ff", "Accuracy 0.900 on 10 clips", "mean+std",
                 "not the published ones", "loading it runs no code"):  # fmt: skip
        assert part in text
    assert "Not evaluated on held-out clips" in card_text(_card(), Path("m.joblib"))


def test_a_card_says_whether_this_model_rejects() -> None:
    plain = card_text(_card(), Path("m.joblib"))
    rejecting = card_text(_card(rejection={"rate": 0.05, "threshold": 0.1}), Path("m.joblib"))

    assert "It cannot reject recordings" in plain
    assert "a share of about 0.05 of those" in rejecting
    assert "cannot reject" not in rejecting


def test_labels_are_text_in_markdown() -> None:
    text = card_text(_card(), Path("m.joblib"))

    assert r"- \<b\>cat\</b\>" in text
    assert r"- a\|b\*c" in text
    assert r"broken\\xff" in text


def test_a_card_never_takes_the_place_of_its_model() -> None:
    assert card_path(Path("m.joblib")) == Path("m.md")
    assert card_path(Path("m.md")) == Path("m.md.md")
