"""A feature store that knows the labels of an index, for Python."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from audiotl_cli.classifiers.pooling import FloatArray, check_pooling
from audiotl_cli.dataset.index import Clip, Index
from audiotl_cli.errors import UsageError
from audiotl_cli.experiments.features import labelled_clips, pool_rows, read_clips
from audiotl_cli.project import Project
from audiotl_cli.store import store


@dataclass(frozen=True, repr=False)
class LabelledVectors:
    """One vector for each labelled clip: ``X, y, groups = store.load(index)``.

    Parameters
    ----------
    X : float32 (n_clips, n_features)
    y : str (n_clips,)
        Labels; several of one clip are sorted and joined by ``;``.
    groups : str (n_clips,)
        What must not be on both sides of a split, as scikit-learn's group splitters take it: the
        clip's group; where it has none, its recording.
    clips : list of Clip
        The rows of the index, with their splits and folds.
    """

    X: FloatArray
    y: npt.NDArray[np.str_]
    groups: npt.NDArray[np.str_]
    clips: list[Clip]

    def __iter__(self) -> Iterator[Any]:
        return iter((self.X, self.y, self.groups))

    def __repr__(self) -> str:
        n_labels = len(set(self.y.tolist()))
        return f"LabelledVectors(X {self.X.shape}, {n_labels} labels)"


class FeatureStore(store.FeatureStore):
    """Features of clips, all made by one extractor with the same settings.

    Parameters
    ----------
    folder : str or Path
        The folder with ``store.json``, which ``audiotl extract`` makes. ``s3://...`` is on object
        storage.

    Raises
    ------
    DataError
        The folder holds no store, or a store of another format.

    Examples
    --------
    >>> (folder,) = Path("data/features").glob("mfcc-*")
    >>> store = FeatureStore(folder)
    >>> len(store), store.extractor, store.dim
    (24, 'mfcc', 120)
    >>> X, y, groups = store.load("data/index/sounds.csv")
    >>> X.shape, y[0].item()
    ((24, 240), 'chirp')
    """

    def load(
        self,
        index: Index | str | Path,
        *,
        pooling: str = "mean+std",
        project: Project | None = None,
    ) -> LabelledVectors:
        """Return the features of the labelled clips of an index, one vector a clip.

        Parameters
        ----------
        index : Index or path
        pooling : {"mean+std", "mean", "mean+max"}
            How the frames of a clip become one vector.
        project : Project, optional
            Where the hashes of files are remembered for stores on object storage; the current
            folder unless given.

        Raises
        ------
        DataError
            No clip has both a label and features.
        UsageError
            There is no such pooling.
        """
        check_pooling(pooling)
        if pooling == "vote":
            raise UsageError("load makes one vector a clip: pooling cannot be 'vote'")
        if not isinstance(index, Index):
            index = Index.read(index)
        keyed = labelled_clips(project or Project(), index, self.folder)
        data = read_clips(keyed, [self], {pooling})
        return LabelledVectors(
            pool_rows(data, range(len(data.clips)), pooling),
            np.array(data.labels),
            np.array([clip.group or clip.path for clip in data.clips]),
            data.clips,
        )
