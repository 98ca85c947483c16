"""Names of models and experiments, which say what these are made of."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from audiotl_cli.classifiers.card import ExtractorSpec, ModelCard
from audiotl_cli.classifiers.options import DEFAULT_CLASSIFIER, DEFAULT_POOLING, ClassifierOptions
from audiotl_cli.classifiers.registry import find_recipe, standardises
from audiotl_cli.dataset.index import Index
from audiotl_cli.experiments.splits import TRAIN
from audiotl_cli.experiments.training import SCORES_ALONE, Reliability
from audiotl_cli.store.description import safe_name

LONGEST_NAME, LONGEST_PART = 160, 40  # characters; a file's name has at most 255 bytes


def model_name(
    index: Index,
    extractors: Sequence[ExtractorSpec],
    options: ClassifierOptions,
    *,
    n_settings: int = 0,
    reliability: Reliability = SCORES_ALONE,
    split: str = TRAIN,
    how: str = "search",
) -> str:
    """Return a name that says what a model or an experiment is made of.

    Options at their default are left out, so that the usual names are short. `how` is what the
    trying of settings is called.
    """
    kind = f"{options.classifier}-{options.pooling}"
    if n_settings:  # among which those asked for are only the first
        usual = kind == f"{DEFAULT_CLASSIFIER}-{DEFAULT_POOLING}"
        kind = f"{how}{n_settings}" if usual else f"{how}{n_settings}-from-{kind}"
    networks = "+".join(map(_network, extractors))
    parts = [index.path.stem if index.path else "index", networks, kind]
    parts += _classifier_parts(options, len(extractors))
    if reliability.calibrate:
        parts.append(reliability.calibrate)
    if reliability.reject:
        parts.append(f"reject{reliability.reject:g}")
    if options.seed:
        parts.append(f"seed{options.seed}")
    if split != TRAIN:
        parts.append(f"on-{name_part(split)}")
    return shorten("-".join(parts), LONGEST_NAME)


def events_name(index: Index, extractor: ExtractorSpec, seed: int, split: str) -> str:
    """Return a name that says what a model of events is made of."""
    parts = [index.path.stem if index.path else "index", _network(extractor), "events"]
    parts += [f"seed{seed}"] * bool(seed) + [f"on-{name_part(split)}"] * (split != TRAIN)
    return shorten("-".join(parts), LONGEST_NAME)


def _network(spec: ExtractorSpec) -> str:
    layer = f"-{safe_name(spec.layer.replace('/', '-'))}" if spec.layer else ""
    return safe_name(spec.name) + layer


def _classifier_parts(options: ClassifierOptions, n_extractors: int) -> list[str]:
    """Return what a name says of a classifier's options."""
    recipe = find_recipe(options.classifier)
    parts = []
    if options.pca is not None:
        parts.append(f"pca{options.pca}")
    if options.scale not in (None, standardises(options.classifier, n_extractors)):
        parts.append("scale" if options.scale else "no-scale")
    if options.sqrt:
        parts.append("root")
    for name, value in sorted(options.params.items()):
        if name not in recipe.params or recipe.params[name] != value:
            parts.append(name_part(f"{name}={value}"))
    if options.combine != "concat" and n_extractors > 1:
        parts.append(options.combine)
    if options.balance is not None:
        parts.append("balance" if options.balance else "no-balance")
    return parts


def name_part(text: str) -> str:
    """Return text fit for a part of a file's name; different text stays different."""
    safe = re.sub(r"[^\w.=+-]+", "_", text, flags=re.ASCII)
    return shorten(text if safe == text else f"{safe}-{_digest(text)}", LONGEST_PART)


def shorten(text: str, n_most: int) -> str:
    """Return text of at most so many characters; different text stays different."""
    return text if len(text) <= n_most else f"{text[: n_most - 7]}-{_digest(text)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:6]


def evaluation_name(model: Path, card: ModelCard, index: Index, split: str, seed: int) -> str:
    """Return a name that says which model was evaluated, and on what."""
    parts = [model.stem, name_part(split)]
    if index.path and index.path.name != card.index:
        parts.append(f"of-{name_part(index.path.stem)}")
    if seed:
        parts.append(f"seed{seed}")
    return "-".join(parts)
