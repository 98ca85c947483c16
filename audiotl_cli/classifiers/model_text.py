"""A model's card as a page for people: ``MODEL.md`` beside ``MODEL.joblib``."""

from __future__ import annotations

import re
from pathlib import Path

from audiotl_cli.classifiers.card import ExtractorSpec, ModelCard
from audiotl_cli.text import printable

MARK = "<!-- written by audiotl train, and written over by it -->"
"""First line of a card; a file without it is somebody's own."""


def card_path(model: Path) -> Path:
    """Return where the card of a model file lies."""
    path = model.with_suffix(".md")
    return path if path != model else model.with_name(f"{model.name}.md")


def card_text(card: ModelCard, model: Path) -> str:
    """Return a model card in Markdown (Mitchell et al., 2019); the same model gives the same."""
    networks = " and ".join(_text(f"{one.name} {one.layer}".strip()) for one in card.extractors)
    return "\n".join(
        [
            MARK,
            f"# {_text(model.stem)}",
            "",
            f"Predicts which of {len(card.labels)} labels a recording has: {networks} turns it "
            f"into vectors, a {_text(card.classifier)} classifier predicts the label from these.",
            "",
            "## Labels",
            "",
            *(f"- {_text(label)}" for label in card.labels),
            "",
            "## Data",
            "",
            f"{card.n_clips} clips: {_text(card.split)} of {_text(card.index or 'an index')}",
            f"(SHA-256 of the index `{card.index_sha256}`).",
            "",
            "## How it does",
            "",
            _held_out(card),
            "",
            "## How it was made",
            "",
            *(_extractor(one) for one in card.extractors),
            f"- Pooling: {_text(card.pooling)}",
            *([f"- Principal components: {card.pca}"] if card.pca is not None else []),
            f"- Scaled: {_scaled(card)}",
            f"- Classifier: {_text(card.classifier)}, "
            + _text(", ".join(f"{name} = {value}" for name, value in card.params.items())),
            *([f"- Chosen among {len(card.search)} settings"] if card.search else []),
            f"- Random seed: {card.seed}",
            f"- Versions: {_text(', '.join(f'{k} {v}' for k, v in card.versions.items()))}",
            "",
            "## Limits",
            "",
            *(f"- **{_text(one.warning)}**" for one in card.extractors if one.warning),
            _rejection(card),
            "- It was measured on clips like those it was trained on; other places, devices and"
            " distances may do worse. Try it on recordings of your own before relying on it.",
            "- The file holds numbers and text alone: nothing in it runs.",
            "",
        ]
    )


def _scaled(card: ModelCard) -> str:
    if not card.scale:
        return "no"
    return "square roots, by one factor" if card.sqrt else "every feature by its own deviation"


def _rejection(card: ModelCard) -> str:
    if card.rejection is None:
        return (
            "- It was not trained to reject: every recording gets one of the labels above, also"
            " one that has none of these sounds."
        )
    rate = f"{card.rejection['rate']:.2g}"
    return (
        "- It was trained to reject what has none of these sounds, at the price of a share of"
        f" {rate} of the clips that have; with few labels or few clips, much is still taken for one"
        " of them."
    )


def _held_out(card: ModelCard) -> str:
    found = card.held_out
    if not found:
        return "Not measured on held-out clips: evaluate it before relying on it."
    return (
        f"Accuracy {found['accuracy']:.3f} on {found['n_clips']} clips of the split "
        f"{_text(found['split'])}, which it was not trained on. For an interval and everything "
        "else: `audiotl evaluate`."
    )


def _extractor(spec: ExtractorSpec) -> str:
    hop = f", hop {spec.hop_s:g} s" if spec.hop_s else ""
    engine = f", run by {spec.engine}" if spec.engine else ""
    return (
        f"- Features: {_text(f'{spec.name} {spec.layer}'.strip())}{hop}, {spec.dim} numbers a "
        f"frame{engine}; weights {_text(spec.weights)}; fingerprint `{spec.fingerprint}`"
    )


def _text(text: str) -> str:
    """Return text that Markdown shows as it is."""
    return re.sub(r"([\\`*_{}\[\]<>#|~&!]|^[-+]|^\d+(?=[.)]))", r"\\\1", printable(text))
