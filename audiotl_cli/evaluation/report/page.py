"""The page of an evaluation: one HTML file that needs nothing beside it and asks for nothing."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from audiotl_cli.evaluation.literal import literal
from audiotl_cli.evaluation.report import charts
from audiotl_cli.evaluation.report.clips import (
    N_SUSPECTS,
    PageClips,
    gather,
    other_place,
    place_of,
)
from audiotl_cli.evaluation.report.media import MOST_S, RATE
from audiotl_cli.storage.paths import AnyPath

SECTIONS = {
    "confusion": "Confusion",
    "clips": "Clips",
    "labels": "Labels",
    "calibration": "Calibration",
    "open_set": "Unknown sounds",
    "map": "Map",
    "curve": "Learning curve",
    "suspects": "Label errors",
    "twins": "Near-duplicates",
    "rounds": "Rounds",
    "comparison": "Comparison",
    "made": "Made from",
}


def render(
    result: Mapping[str, Any],
    title: str,
    *,
    root: AnyPath | None,
    folder: Path,
    beside: Sequence[str] = (),
) -> str:
    """Return the page of an evaluation; the same evaluation gives the same page.

    Parameters
    ----------
    result : mapping
        What ``report.json`` holds, and ``comparisons`` with other models. What is not in it
        has no section.
    title : str
    root : Path, RemotePath or None
        The folder that paths of clips are relative to; None where there are no recordings.
    folder : Path
        Where the page will lie.
    beside : sequence of str
        Names of other files of the evaluation in that folder.
    """
    from jinja2 import Environment, StrictUndefined

    clips = gather(result, root, folder)
    parts = {
        "confusion": _confusion(result),
        "clips": result.get("predictions"),
        "labels": _labels(result),
        "calibration": _calibration(result),
        "open_set": result.get("open_set"),
        "map": _map(result),
        "curve": _curve(result),
        "suspects": _suspects(result, clips),
        "twins": _twins(result, clips),
        "rounds": result.get("rounds"),
        "comparison": result.get("comparisons"),
        "made": _made(result),
    }
    script, style = _text("page.js").strip(), _text("page.css").strip()
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["literal"] = lambda value: literal(str(value))
    environment.policies["json.dumps_kwargs"] = {"sort_keys": False, "separators": (",", ":")}
    return environment.from_string(_text("template.html")).render(
        title=title,
        result=result,
        alerts=_alerts(result),
        chance=_chance(result),
        sections={name: text for name, text in SECTIONS.items() if parts[name]},
        **parts,
        names=[literal(label) for label in result.get("labels", ())],
        hues=charts.hues(len(result.get("labels", ()))),
        records=clips.records,
        n_embedded=clips.n_embedded,
        at_hand=any("link" in record for record in clips.records),
        excerpt={"most_s": MOST_S, "rate": RATE},
        beside=beside,
        style=style,
        script=script,
        script_sha256=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def _text(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8")


def _alerts(result: Mapping[str, Any]) -> list[str]:
    """Return what stands in the way of trusting the number."""
    found = []
    n_trained_on = result.get("n_trained_on")
    if n_trained_on:
        found.append(
            f"{n_trained_on} of the {result['n_clips']} clips evaluated were trained on, "
            "so the score is too good."
        )
    elif n_trained_on is None and "n_trained_on" in result:
        found.append(
            "The model does not say which clips it was trained on; some of these may be among them."
        )
    copies = [one for one in result.get("leaks", ()) if one["kind"] != "trained_on"]
    if copies:
        found.append(
            f"{len(copies)} of the {result['n_clips']} clips evaluated hold the sound of clips "
            "trained on, so the score is too good: "
            + ", ".join(f"{one['path']} ({one['other']})" for one in copies)
            + "."
        )
    return [*found, *(f"{text[:1].upper()}{text[1:]}." for text in result.get("warnings", ()))]


def _chance(result: Mapping[str, Any]) -> float | None:
    """Return the accuracy of always saying the commonest label."""
    matrix = result.get("confusion_matrix")
    if not matrix:
        return None
    counts = [sum(row) for row in matrix]
    return float(max(counts) / max(sum(counts), 1))


def _confusion(result: Mapping[str, Any]) -> list[list[dict[str, Any]]]:
    return [
        [{"n": n, "share": round(n / max(sum(row), 1), 3)} for n in row]
        for row in result.get("confusion_matrix", ())
    ]


def _labels(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    labels, matrix = result.get("labels", ()), result.get("confusion_matrix")
    found = []
    for row, label in enumerate(labels):
        if label not in result.get("per_label", {}):
            continue
        one = {"row": row, **result["per_label"][label]}
        if matrix:
            wrong = [n if column != row else 0 for column, n in enumerate(matrix[row])]
            most = max(range(len(wrong)), key=wrong.__getitem__)
            one["taken"] = (literal(labels[most]), wrong[most]) if wrong[most] else None
        found.append(one)
    return found


def _calibration(result: Mapping[str, Any]) -> dict[str, Any] | None:
    found = result.get("calibration")
    return {**found, **charts.reliability(found)} if found else None


def _curve(result: Mapping[str, Any]) -> dict[str, Any] | None:
    found = result.get("learning_curve")
    return charts.learning_curve(found) if found and found["points"] else None


def _map(result: Mapping[str, Any]) -> dict[str, Any] | None:
    found = result.get("embedding_map")
    if not found or not found["points"]:
        return None
    drawn = charts.embedding_map(found["points"], result["labels"], result["predictions"])
    return {**drawn, "method": found["method"]}


def _suspects(result: Mapping[str, Any], clips: PageClips) -> list[dict[str, Any]]:
    found = result.get("label_errors", ())[:N_SUSPECTS]
    return [{**one, "clip": clips.numbers[place_of(one)]} for one in found]


def _twins(result: Mapping[str, Any], clips: PageClips) -> list[dict[str, Any]]:
    found = result.get("duplicates", ())[:N_SUSPECTS]
    return [
        {**one, "clips": (clips.numbers[place_of(one)], clips.numbers[other_place(one)])}
        for one in found
    ]


def _made(result: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what the model, or the models of all rounds, were made from."""
    card: Mapping[str, Any] = result.get("card") or result
    rows: list[tuple[str, Any]] = [
        ("Model file", result.get("model")),
        ("Evaluated on", _index(result, result.get("split"))),
        ("Cross-validation", result.get("cv")),
        ("Trained on", _index(card, card.get("split")) if "card" in result else None),
        ("Clips trained on", card.get("n_clips") if "card" in result else None),
        ("Classifier", card.get("classifier")),
        ("Parameters", _pairs(card.get("params"))),
        ("Pooling", card.get("pooling")),
        ("Principal components", card.get("pca")),
        ("Scaled", _scaled(card)),
        ("Settings tried", result.get("n_settings") or len(card.get("search") or ()) or None),
        *(("Features", _extractor(one)) for one in card.get("extractors", ())),
        ("Random seed", card.get("seed")),
        ("Made with", _pairs(card.get("versions"), " ")),
    ]
    return [(name, literal(str(value))) for name, value in rows if value not in (None, "")]


def _scaled(card: Mapping[str, Any]) -> str | None:
    if card.get("sqrt"):
        return "square roots, by one factor"
    return {True: "every feature by its own deviation", False: "no"}.get(card.get("scale"))  # type: ignore[arg-type]


def _index(about: Mapping[str, Any], split: str | None) -> str:
    name = about.get("index", "")
    if not name:
        return ""
    part = f"{split} of " if split else ""
    return f"{part}{name}, SHA-256 {about.get('index_sha256', 'unknown')}"


def _extractor(spec: Mapping[str, Any]) -> str:
    hop = f", hop {spec['hop_s']:g} s" if spec.get("hop_s") else ""
    engine = f", run by {spec['engine']}" if spec.get("engine") else ""
    whose = {"published": "published weights", "none": "no weights"}
    weights = whose.get(spec.get("weights", ""), f"weights {spec.get('weights', 'unknown')}")
    name = f"{spec['name']} {spec.get('layer', '')}".strip()
    return f"{name}{hop}, {spec['dim']} numbers a frame{engine}; {weights}; {spec['fingerprint']}"


def _pairs(values: Mapping[str, Any] | None, between: str = " = ") -> str:
    return ", ".join(f"{name}{between}{value}" for name, value in (values or {}).items())
