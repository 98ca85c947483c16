"""What an evaluated model was made from, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audiotl_cli.evaluation.evaluation import Source
from audiotl_cli.text import printable


def described(source: Source) -> list[tuple[str, str]]:
    """Return what the model, or the models of all rounds, were made from: names and values."""
    card: Mapping[str, Any] = source.card or source.settings
    trained: dict[str, Any] = {}
    if source.card is not None:
        index = _index(card.get("index"), card.get("index_sha256"), card.get("split"))
        trained = {"Trained on": index, "Clips trained on": card.get("n_clips")}
    tried = source.settings.get("n_settings") or len(card.get("search") or ()) or None
    rows: list[tuple[str, Any]] = [
        ("Model file", source.model),
        ("Evaluated on", _index(source.index, source.index_sha256, source.split)),
        ("Cross-validation", source.settings.get("cv")),
        *trained.items(),
        ("Classifier", card.get("classifier")),
        ("Parameters", _pairs(card.get("params"))),
        ("Pooling", card.get("pooling")),
        ("Principal components", card.get("pca")),
        ("Scaled", _scaled(card)),
        ("Balance", "every label counts the same" if card.get("balance") else None),
        ("Settings tried", tried),
        *(("Features", _extractor(spec)) for spec in card.get("extractors", ())),
        ("Random seed", card.get("seed")),
        ("Made with", _pairs(card.get("versions"), " ")),
    ]
    return [(name, printable(value)) for name, value in rows if value not in (None, "")]


def _scaled(card: Mapping[str, Any]) -> str | None:
    if card.get("sqrt"):
        return "square roots, by one factor"
    scale = card.get("scale")
    return None if scale is None else "every feature by its own deviation" if scale else "no"


def _index(name: str | None, sha256: str | None, split: str | None) -> str:
    if not name:
        return ""
    return f"{f'{split} of ' if split else ''}{name}, SHA-256 {sha256 or 'unknown'}"


def _extractor(spec: Mapping[str, Any]) -> str:
    hop = f", hop {spec['hop_s']:g} s" if spec.get("hop_s") else ""
    engine = f", run by {spec['engine']}" if spec.get("engine") else ""
    origins = {"published": "published weights", "none": "no weights"}
    weights = origins.get(spec.get("weights", ""), f"weights {spec.get('weights', 'unknown')}")
    if spec.get("licence"):
        weights += f", licence {spec['licence']}"
    name = f"{spec['name']} {spec.get('layer', '')}".strip()
    return f"{name}{hop}, {spec['dim']} numbers a frame{engine}; {weights}; {spec['fingerprint']}"


def _pairs(values: Mapping[str, Any] | None, between: str = " = ") -> str:
    return ", ".join(f"{name}{between}{value}" for name, value in (values or {}).items())
