"""What MFCC features and the default classifier give: the baseline that a network has to beat."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from audiotl_cli.classifiers.options import DEFAULT_CLASSIFIER, DEFAULT_POOLING, ClassifierOptions
from audiotl_cli.errors import AudiotlError
from audiotl_cli.evaluation.protocols import Round
from audiotl_cli.experiments.features import LabelledFeatures, read_clips
from audiotl_cli.experiments.training import fit_alone
from audiotl_cli.storage.paths import AnyPath
from audiotl_cli.store.find import is_store, open_all

logger = logging.getLogger(__name__)

MFCC = "mfcc"


def find_mfcc(
    root: AnyPath, data: LabelledFeatures, classifier: str, pooling: str
) -> LabelledFeatures | None:
    """Return the MFCC features of the same clips; None where a store does not hold all of them.

    They are never extracted for this. There are none, either, for a model that is itself the
    baseline, or of clips with several labels.

    Parameters
    ----------
    root : Path or RemotePath
        The folder of stores.
    data : LabelledFeatures
    classifier, pooling : str
        Of the model.
    """
    usual = (classifier, pooling) == (DEFAULT_CLASSIFIER, DEFAULT_POOLING)
    if (
        data.multi_label
        or is_store(root)
        or (usual and [s.name for s in data.extractors] == [MFCC])
    ):
        return None
    keys = set(data.keys)
    stores = [store for store in open_all(root) if store.extractor == MFCC]
    whole = [store for store in stores if keys <= store.keys()]
    if not whole:
        return None
    keyed = list(zip(data.clips, data.keys, strict=True))
    return read_clips(keyed, whole[-1:], {DEFAULT_POOLING})


def predict_baseline(
    mfcc: LabelledFeatures | None,
    rounds: Sequence[Round],
    balance: Sequence[bool],
    seed: int,
) -> list[str] | None:
    """Return what the baseline predicts for the clips held out, in their order in the index.

    Parameters
    ----------
    mfcc : LabelledFeatures or None
        From `find_mfcc`.
    rounds : sequence of Round
    balance : sequence of bool
        Whether labels are balanced in each round, as they are for the model.
    seed : int

    Returns
    -------
    predicted : list of str or None
        None where there are no features, or they cannot be fitted.
    """
    if mfcc is None:
        return None
    found: dict[int, str] = {}
    options = ClassifierOptions(seed=seed)
    try:
        for part, balanced in zip(rounds, balance, strict=True):
            model = fit_alone(mfcc, part.train, replace(options, balance=balanced))
            predicted = model.predict([mfcc.frames[i] for i in part.test])
            found |= dict(zip(part.test, predicted, strict=True))
    except AudiotlError as error:
        logger.info("No MFCC baseline: %s", error)
        return None
    return [found[i] for i in sorted(found)]
