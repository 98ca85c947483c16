"""Load the extractor that features were made with, to make more that match them exactly.

Its name comes from a file, and is no order to run a program: see `extractors.trusted`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, replace
from pathlib import Path

from audiotl_cli.classifiers.card import ExtractorSpec
from audiotl_cli.errors import ArtifactError, DataError, UsageError
from audiotl_cli.extractor_config import TENSORFLOW, ExtractorConfig
from audiotl_cli.extractors.base import Extractor
from audiotl_cli.extractors.registry import load_extractor
from audiotl_cli.extractors.trusted import load_named, remember
from audiotl_cli.storage.paths import AnyPath
from audiotl_cli.store.description import fingerprint
from audiotl_cli.store.store import FeatureStore
from audiotl_cli.stored_clips import store_spec


def chosen_extractor(config: ExtractorConfig, *, typed: bool) -> Extractor:
    """Return the extractor that features are to be made with.

    Parameters
    ----------
    config : ExtractorConfig
    typed : bool
        Whether the user typed the name, which is remembered then, or ``audiotl.toml`` brings it.

    Raises
    ------
    ArtifactError
        It is not typed, and a program that the user does not trust.
    """
    if not typed:
        return load_named(config, "audiotl.toml")
    extractor = load_extractor(config)
    remember(config.name)
    return extractor


def extractor_of_model(
    spec: ExtractorSpec, model: Path, trust: Collection[str] = (), hop_s: float | None = None
) -> Extractor:
    """Return the extractor that a model was trained on.

    Parameters
    ----------
    spec : ExtractorSpec
    model : Path
    trust : collection of str
        SHA-256 of programs that the user trusts in this run.
    hop_s : float or None
        Seconds between windows, where they are to lie at other distances than it was trained on.

    Raises
    ------
    ArtifactError
        This installation has none that gives the same features, or it is a program that the
        user does not trust.
    """
    if spec.imported:
        raise ArtifactError(
            f"{model} was trained on imported features ({spec.name}); it can be evaluated on "
            "such features, but there is no network to embed recordings for it"
        )
    try:
        extractor = _load(spec, model, "was trained on", "Train the model again", trust)
        if hop_s is None:
            return extractor
        return load_named(replace(_made_with(spec), hop_s=hop_s), str(model), trust=trust)
    except UsageError as error:
        raise ArtifactError(f"{model} needs what is not here: {error}") from error


def extractor_of_store(
    store: FeatureStore, trust: Collection[str] = (), typed: Collection[str] = ()
) -> Extractor:
    """Return the extractor that a store's features were made with.

    Parameters
    ----------
    store : FeatureStore
    trust : collection of str
        SHA-256 of programs that the user trusts in this run.
    typed : collection of str
        Extractors that the user typed in this run.

    Raises
    ------
    DataError
        The features were imported.
    ArtifactError
        This installation has none that gives the same features, or it is a program that the
        user does not trust.
    """
    spec = store_spec(store)
    if spec.imported:
        raise DataError(
            f"{store.folder} holds imported features: there is no network to embed recordings "
            "like them; name clips of the index"
        )
    try:
        cure = "Make them again with: audiotl extract"
        return _load(spec, store.folder, "holds", cure, trust, typed)
    except UsageError as error:
        raise ArtifactError(f"{store.folder} needs what is not here: {error}") from error


def _load(
    spec: ExtractorSpec,
    holder: AnyPath,
    relation: str,
    cure: str,
    trust: Collection[str],
    typed: Collection[str] = (),
) -> Extractor:
    extractor = load_named(_made_with(spec), str(holder), trust=trust, typed=typed)
    found = fingerprint(asdict(extractor.describe()))
    if found != spec.fingerprint:
        raise ArtifactError(
            f"{holder} {relation} features of {spec.name} with the fingerprint "
            f"{spec.fingerprint}; this installation makes {found}: its weights or version differ. "
            f"{cure}"
        )
    return extractor


def _made_with(spec: ExtractorSpec) -> ExtractorConfig:
    """Return the settings that features were made with, the engine named.

    What was made before there was a choice was made by TensorFlow, and so does not name it.
    """
    return replace(spec.config, engine=spec.config.engine or TENSORFLOW)
