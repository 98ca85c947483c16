"""What to train, on what, and where to save it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from audiotl_cli.classifiers.options import ClassifierOptions
from audiotl_cli.classifiers.registry import classifier_name
from audiotl_cli.classifiers.unfitted import check_options
from audiotl_cli.experiments.features import LabelledFeatures
from audiotl_cli.experiments.splits import TRAIN
from audiotl_cli.experiments.training import SCORES_ALONE, Reliability
from audiotl_cli.storage.paths import AnyPath
from audiotl_cli.written import claim


@dataclass(frozen=True)
class TrainOptions:
    """What to train, on what, and where to save it.

    Parameters
    ----------
    classifier : ClassifierOptions
        Where settings are tried, the first of them.
    extractors : sequence of str
        Whose features to use, put side by side; empty for the store used last. `tune_model`
        tries each alone and every two; empty for all that are there for these clips.
    store : Path, RemotePath or None
        A folder of feature stores, or one store; None for the project's stores.
    n_settings : int
        How many settings of classifier, pooling and parameters to try on the clips to train
        on, with each, every two and all of the extractors; the one picked is fitted. 0 takes
        `classifier` as it is.
    reliability : Reliability
        Calibration and rejection.
    split : str
        Which clips to train on. Where the index has no splits at all, every clip is.
    out : Path or None
        The model's file; None names it by what it is made of, in the project.
    overwrite : bool
        Whether a file of that name that somebody else made may be lost.
    memory : int or None
        Bytes that frames that vote, and what is made of them, may take; None is half of this
        machine's. More are left in the stores, and the classifier is fitted block by block.
    """

    classifier: ClassifierOptions = field(default_factory=ClassifierOptions)
    extractors: Sequence[str] = ()
    store: AnyPath | None = None
    n_settings: int = 0
    reliability: Reliability = SCORES_ALONE
    split: str = TRAIN
    out: Path | None = None
    overwrite: bool = False
    memory: int | None = None

    def check(self, *, multi_label: bool = False) -> None:
        """Refuse what cannot be done whatever the features are, before any is read.

        Raises
        ------
        UsageError
            Options that do not exist or do not go together, or the model cannot be written.
        """
        check_options(replace(self.classifier, multi_label=multi_label))
        self.reliability.check(multi_label=multi_label)
        claim([self.out] if self.out else [], overwrite=self.overwrite)

    def of(self, data: LabelledFeatures) -> ClassifierOptions:
        """Return the classifier, by its proper name, for some features."""
        name = classifier_name(self.classifier.classifier)
        return replace(self.classifier, classifier=name, multi_label=data.multi_label)
