"""Ready labels: the classes of a network as a model, without any training."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from audiotl_cli.classifiers.card import ExtractorSpec, ModelCard
from audiotl_cli.classifiers.classifier import ClipClassifier
from audiotl_cli.classifiers.given_scores import GivenScores
from audiotl_cli.classifiers.pipeline import Pipeline
from audiotl_cli.classifiers.pooling import n_pooled
from audiotl_cli.errors import DataError, UsageError
from audiotl_cli.extractor_config import ExtractorConfig
from audiotl_cli.extractors.base import Classes, Extractor
from audiotl_cli.extractors.listing import licence_of, model_info
from audiotl_cli.extractors.registry import extractor_class, list_extractors, load_extractor
from audiotl_cli.inference.allow_list import read_labels
from audiotl_cli.inference.model import Model
from audiotl_cli.spelling import did_you_mean
from audiotl_cli.store.description import fingerprint

THRESHOLD = 0.25
"""Lowest score of a label."""
PLACE_THRESHOLD = 0.03
"""Lowest probability of a species at a place, as in BirdNET-Analyzer."""
TOP_K = 5
DEFAULTS = ("yamnet", "ced-tiny", "ced-mini", "ced-small", "ced-base")
"""Networks for general sounds that anyone may use; the first that is installed is taken."""
POOLINGS = {"mean": "mean", "max": "mean+max"}


@dataclass(frozen=True)
class Place:
    """Where and when recordings were made.

    Parameters
    ----------
    latitude, longitude : float
        Degrees; north and east are positive.
    week : int
        From 1 to 48, four in each month; -1 for the whole year.
    """

    latitude: float
    longitude: float
    week: int = -1


@dataclass(frozen=True)
class ReadyOptions:
    """Which labels of which network to give.

    Parameters
    ----------
    network : str or None
        A network with classes; None is `default_network`.
    layer : str or None
        One of its layers with classes; None is the first.
    labels : Path or None
        A file that names the classes to keep; see `read_labels`.
    place : Place or None
        Keeps only the species that occur there.
    threshold : float
        Lowest score of a label.
    top_k : int
        How many scores a prediction holds.
    overlapping : bool
        Whether windows overlap by at least a half, as for events.
    """

    network: str | None = None
    layer: str | None = None
    labels: Path | None = None
    place: Place | None = None
    threshold: float = THRESHOLD
    top_k: int = TOP_K
    overlapping: bool = False


@dataclass(frozen=True)
class ReadyModel:
    """A network as a model.

    Parameters
    ----------
    model : Model
    options : ReadyOptions
        What it was made from.
    network : str
    over : {"mean", "max"}
        How the scores of windows become those of a recording.
    n_classes : int
        Of the network; the model has those that were asked for.
    n_at_place : int or None
        Classes that occur at the place.
    """

    model: Model
    options: ReadyOptions
    network: str
    over: str
    n_classes: int
    n_at_place: int | None = None

    @property
    def described(self) -> dict[str, Any]:
        """What the labels of recordings depend on, as JSON values."""
        labels = "\n".join(self.model.labels).encode()
        return {
            "network": self.network,
            "fingerprint": self.model.card.extractors[0].fingerprint,
            "labels": f"sha256:{hashlib.sha256(labels).hexdigest()}",
            "threshold": self.model.classifier.threshold,
            "top_k": self.model.top_k,
        }


def ready_networks() -> list[str]:
    """Return the networks that have classes."""
    return [name for name in list_extractors() if extractor_class(name).classes()]


def installed_networks() -> list[str]:
    """Return the networks that have classes, and whose weights are installed."""
    return [name for name in ready_networks() if model_info(name).installed]


def default_network() -> str:
    """Return the first of `DEFAULTS` whose weights are installed, else the first."""
    return next((name for name in DEFAULTS if model_info(name).installed), DEFAULTS[0])


def find_classes(network: str, layer: str | None = None) -> Classes:
    """Return the classes of a network.

    Raises
    ------
    UsageError
        There is no such network, or it has no classes, or none in this layer.
    """
    known = network in list_extractors()
    found = extractor_class(network).classes() if known else ()
    if not found:
        names = ready_networks()
        raise UsageError(
            f"{network!r} has no classes of its own; choose from {', '.join(names)}"
            f"{did_you_mean(network, names)}"
        )
    layers = {classes.layer: classes for classes in found}
    if layer is not None and layer not in layers:
        raise UsageError(
            f"the layer {layer!r} of {network} has no classes; choose from {', '.join(layers)}"
        )
    return layers[layer] if layer else found[0]


def ready_model(options: ReadyOptions) -> ReadyModel:
    """Return a network as a model of its own classes; the weights are fetched if need be.

    Raises
    ------
    UsageError
        There is no such network with classes, or it knows nothing of places.
    DataError
        The file of labels names something else, or no class remains.
    WeightsError
        The weights cannot be had, or their licence was not accepted.
    """
    network = options.network or default_network()
    classes = find_classes(network, options.layer)
    hop_s = None
    if options.overlapping:
        kind = extractor_class(network)
        hop_s = min(kind.default_hop_s, kind.window_s / 2)
    extractor = load_extractor(ExtractorConfig(network, layer=classes.layer, hop_s=hop_s))
    check_place(network, classes, options.place)
    names = classes.names()
    kept = list(range(len(names)))
    if options.labels is not None:
        kept = read_labels(options.labels, names)
    n_at_place = None
    if options.place is not None and classes.at_place is not None:
        here = np.flatnonzero(classes.at_place(*vars(options.place).values()) >= PLACE_THRESHOLD)
        n_at_place = len(here)
        kept = np.intersect1d(kept, here).tolist()
    if not kept:
        raise DataError(
            f"none of the labels in {options.labels} occurs at this place and time"
            if options.labels
            else "no species is known to occur at this place and time"
        )
    model = _model(extractor, classes, [names[i] for i in kept], kept, options)
    return ReadyModel(model, options, network, classes.over, len(names), n_at_place)


def check_place(network: str, classes: Classes, place: Place | None) -> None:
    """Raise `UsageError` for a place where the network knows nothing of places."""
    if place is None or classes.at_place is not None:
        return
    knowing = [
        name
        for name in ready_networks()
        if any(found.at_place for found in extractor_class(name).classes())
    ]
    raise UsageError(
        f"--lat and --lon need a network that knows where species occur: --network "
        f"{' or '.join(knowing)}, not {network}"
    )


def _model(
    extractor: Extractor,
    classes: Classes,
    labels: Sequence[str],
    columns: Sequence[int],
    options: ReadyOptions,
) -> Model:
    pooling = POOLINGS[classes.over]
    width = extractor.dim * n_pooled(pooling)
    # where there are two statistics, the maximum is the second
    head = GivenScores(np.asarray(columns, np.int64) + width - extractor.dim)
    description = extractor.describe()
    spec = ExtractorSpec(
        extractor.config,
        fingerprint(asdict(description)),
        extractor.dim,
        description.weights,
        licence=licence_of(extractor.name),
    )
    card = ModelCard(
        classifier="given_scores",
        pooling=pooling,
        params={},
        scale=None,
        pca=None,
        seed=0,
        labels=labels,
        extractors=[spec],
        index="",
        index_sha256="",
        split="",
        n_clips=0,
        multi_label=True,
    )
    classifier = ClipClassifier(
        Pipeline([], head, width),
        list(labels),
        pooling,
        multi_label=True,
        threshold=options.threshold,
    )
    return Model(classifier, card, [extractor], top_k=options.top_k, rejects_unlabelled=True)
