"""Write the model card as Markdown: ``MODEL.md`` beside ``MODEL.joblib``."""

from __future__ import annotations

import re
from pathlib import Path

from audiotl_cli.classifiers.card import ExtractorSpec, ModelCard
from audiotl_cli.text import printable

MARK = "<!-- written by audiotl train, which overwrites this file -->"
"""First line of a card; audiotl does not overwrite files without it."""


def card_path(model: Path) -> Path:
    """Return the path of the card of a model file."""
    path = model.with_suffix(".md")
    return path if path != model else model.with_name(f"{model.name}.md")


def card_text(card: ModelCard, model: Path) -> str:
    """Return a model card in Markdown (Mitchell et al., 2019); it depends only on the model."""
    networks = " and ".join(_text(f"{spec.name} {spec.layer}".strip()) for spec in card.extractors)
    return "\n".join(
        [
            MARK,
            f"# {_text(model.stem)}",
            "",
            f"Predicts which of {len(card.labels)} labels a recording has: {networks} turns "
            f"the recording into vectors, and a {_text(card.classifier)} classifier predicts "
            "the label from them.",
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
            "## Performance",
            "",
            *([f"**{_text(card.verdict['text'])}**", ""] if card.verdict else []),
            _held_out(card),
            "",
            "## Training",
            "",
            *(_extractor(spec) for spec in card.extractors),
            f"- Pooling: {_text(card.pooling)}",
            *([f"- Principal components: {card.pca}"] if card.pca is not None else []),
            f"- Scaled: {_scaled(card)}",
            f"- Classifier: {_text(card.classifier)}, "
            + _text(", ".join(f"{name} = {value}" for name, value in card.params.items())),
            *(
                [f"- Chosen by cross-validation from {len(card.search)} settings"]
                if card.search
                else []
            ),
            *([_balanced(card)] if card.balance or card.balancing else []),
            *_events(card),
            f"- Random seed: {card.seed}",
            f"- Versions: {_text(', '.join(f'{k} {v}' for k, v in card.versions.items()))}",
            "",
            "## Limits",
            "",
            *(f"- **{_text(spec.warning)}**" for spec in card.extractors if spec.warning),
            *([f"- **{_text(card.doubt[:1].upper() + card.doubt[1:])}**"] if card.doubt else []),
            _rejection(card),
            "- It was evaluated on clips like those it was trained on; it may perform worse in"
            " other places, with other devices or at other distances. Try it on your own "
            "recordings"
            " before relying on it.",
            "- The file contains only numbers and text, so loading it runs no code.",
            "",
        ]
    )


def _events(card: ModelCard) -> list[str]:
    """Return how frames become events, and from which scores events are reported."""
    lines = []
    if found := card.events:
        name = f" ({_text(found['background'])})" if found["background"] else ""
        lines = [
            f"- Background{name}: {found['background_s']:.0f} s of {_text(found['origin'])}, mixed "
            f"under copies of {found['n_mixed']} clips",
            f"- Events: a frame every {found['hop_s']:g} s, and the likeliest sequence of labels, "
            f"of which a change costs {found['switch_cost']:g} nats",
        ]
    lines += [
        f"- Events of {_text(label)} are reported from a score of {values['threshold']:.3f}"
        + (
            f": {values['precision']:.1%} of {values['n_events']} judged ones are right"
            if values["n_events"]
            else ""
        )
        for label, values in card.thresholds.items()
    ]
    return lines


def _scaled(card: ModelCard) -> str:
    if not card.scale:
        return "no"
    if card.sqrt:
        return "square roots, all scaled by one factor"
    return "each feature by its own standard deviation"


def _balanced(card: ModelCard) -> str:
    how = "every label counts the same" if card.balance else "labels are not balanced"
    if found := card.balancing:
        how += (
            f"; balanced accuracy {found['balanced']:.3f} with balancing, {found['plain']:.3f} "
            "without, by cross-validation on the training clips"
        )
    return f"- Balance: {how}"


def _rejection(card: ModelCard) -> str:
    if card.rejection is None:
        return (
            "- It cannot reject recordings: every recording gets one of the labels above, even"
            " if it has none of these sounds."
        )
    rate = f"{card.rejection['rate']:.2g}"
    return (
        "- It rejects recordings that have none of these sounds, and also a share of about"
        f" {rate} of those that do; with few labels or few training clips, many unknown sounds"
        " still get a label."
    )


def _held_out(card: ModelCard) -> str:
    found = card.held_out
    if not found:
        return "Not evaluated on held-out clips yet; evaluate it before relying on it."
    return (
        f"Accuracy {found['accuracy']:.3f} on {found['n_clips']} clips of the split "
        f"{_text(found['split'])}, none of which it was trained on. For a confidence interval "
        "and a full report, run `audiotl evaluate`."
    )


def _extractor(spec: ExtractorSpec) -> str:
    hop = f", hop {spec.hop_s:g} s" if spec.hop_s else ""
    engine = f", run by {spec.engine}" if spec.engine else ""
    licence = f"; licence {_text(spec.licence)}" if spec.licence else ""
    return (
        f"- Features: {_text(f'{spec.name} {spec.layer}'.strip())}{hop}, {spec.dim} values per "
        f"frame{engine}; weights {_text(spec.weights)}{licence}; fingerprint `{spec.fingerprint}`"
    )


def _text(text: str) -> str:
    """Return text escaped for Markdown."""
    return re.sub(r"([\\`*_{}\[\]<>#|~&!]|^[-+]|^\d+(?=[.)]))", r"\\\1", printable(text))
