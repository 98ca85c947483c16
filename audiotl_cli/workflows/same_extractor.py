"""Load the extractor that features were made with, to make more that match them exactly."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from audiotl_cli.classify.card import ExtractorSpec
from audiotl_cli.errors import ArtifactError, DataError, UsageError
from audiotl_cli.extractors.base import Extractor
from audiotl_cli.extractors.registry import load_extractor
from audiotl_cli.store.store import FeatureStore, fingerprint
from audiotl_cli.workflows.features import store_spec


def extractor_of_model(spec: ExtractorSpec, model: Path) -> Extractor:
    """Return the extractor that a model was trained on.

    Raises
    ------
    ArtifactError
        This installation has none that gives the same features.
    """
    if spec.imported:
        raise ArtifactError(
            f"{model} was trained on imported features ({spec.name}); it can be evaluated on "
            "such features, but there is no network to embed recordings for it"
        )
    try:
        return _load(spec, f"{model} was trained on", "Train the model again")
    except UsageError as error:
        raise ArtifactError(f"{model} needs what is not here: {error}") from error


def extractor_of_store(store: FeatureStore) -> Extractor:
    """Return the extractor that a store's features were made with.

    Raises
    ------
    DataError
        The features were imported.
    ArtifactError
        This installation has none that gives the same features.
    """
    spec = store_spec(store)
    if spec.imported:
        raise DataError(
            f"{store.folder} holds imported features: there is no network to embed recordings "
            "like them; name clips of the index"
        )
    try:
        return _load(spec, f"{store.folder} holds", "Make them again with: audiotl extract")
    except UsageError as error:
        raise ArtifactError(f"{store.folder} needs what is not here: {error}") from error


def _load(spec: ExtractorSpec, holder: str, cure: str) -> Extractor:
    extractor = load_extractor(
        spec.name,
        layer=spec.layer,
        hop_s=spec.hop_s,
        resampler=spec.resampler,
        engine=spec.engine or None,
    )
    found = fingerprint(asdict(extractor.describe()))
    if found != spec.fingerprint:
        raise ArtifactError(
            f"{holder} features of {spec.name} with the fingerprint {spec.fingerprint}; this "
            f"installation makes {found}: its weights or version differ. {cure}"
        )
    return extractor
