"""An extractor as a scikit-learn transformer: recordings in, one vector a clip out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, TransformerMixin  # noqa: TID253

from audiotl_cli.audio.types import AudioSource
from audiotl_cli.classifiers.pooling import check_pooling, pool
from audiotl_cli.errors import UsageError
from audiotl_cli.extractor_config import MIX, ExtractorConfig
from audiotl_cli.extractors.pipeline import embed_sources
from audiotl_cli.extractors.registry import load_extractor
from audiotl_cli.processors import n_processors
from audiotl_cli.storage.paths import AnyPath, any_path
from audiotl_cli.storage.remote import RemotePath

if TYPE_CHECKING:
    from audiotl_cli.extractors.base import Extractor


class AudioEmbedder(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Turn recordings into vectors, in a Pipeline, in GridSearchCV, or alone.

    Nothing is learnt by `fit`. Parameters are those of `load_extractor`, besides:

    Parameters
    ----------
    extractor : str or ExtractorConfig
        A registered name, or a configuration; the parameters here replace its settings unless
        they are at their defaults.
    pooling : {"mean", "mean+std", "mean+max"}
        How the frames of a recording become one vector.
    sample_rate : int or None
        Hz; needed where waveforms are given instead of paths.
    workers : int or None
        Threads; None is one a core.

    Examples
    --------
    >>> import numpy as np
    >>> embedder = AudioEmbedder("mfcc", sample_rate=22_050)
    >>> embedder.fit_transform([np.zeros(22_050, dtype=np.float32)]).shape
    (1, 240)

    In a pipeline, whose parameters are chosen as any:

    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn.pipeline import make_pipeline
    >>> noise = np.random.default_rng(0).normal(0, 0.1, (8, 22_050))
    >>> sounds, labels = list(noise * np.tile([1, 5], 4)[:, None]), ["quiet", "loud"] * 4
    >>> pipeline = make_pipeline(embedder, LogisticRegression(max_iter=5000))
    >>> search = GridSearchCV(pipeline, {"audioembedder__pooling": ["mean", "mean+max"]}, cv=2)
    >>> search.fit(sounds, labels).predict(sounds[:2]).tolist()
    ['quiet', 'loud']
    """

    def __init__(
        self,
        extractor: str | ExtractorConfig = "musicnn",
        *,
        pooling: str = "mean+std",
        layer: str | None = None,
        hop_s: float | None = None,
        resampler: str = "soxr",
        sample_rate: int | None = None,
        workers: int | None = None,
        engine: str | None = None,
        channel: str = MIX,
    ) -> None:
        self.extractor = extractor
        self.pooling = pooling
        self.layer = layer
        self.hop_s = hop_s
        self.resampler = resampler
        self.sample_rate = sample_rate
        self.workers = workers
        self.engine = engine
        self.channel = channel

    def fit(self, X: Sequence[Any], y: object = None) -> Self:
        """Check the parameters; `X` and `y` are not looked at."""
        self._build()
        return self

    def __sklearn_is_fitted__(self) -> bool:
        """There is nothing to fit."""
        return True

    def transform(self, X: Sequence[Any]) -> npt.NDArray[np.float32]:
        """Embed recordings.

        Parameters
        ----------
        X : sequence
            Paths or URLs, or waveforms (n_samples,) at `sample_rate`.

        Returns
        -------
        vectors : float32 (n_recordings, dim or 2 * dim)

        Raises
        ------
        AudioError
            A recording cannot be used.
        UsageError
            A parameter does not exist, or waveforms come without `sample_rate`.
        """
        extractor = self._build()
        if all(isinstance(item, str | Path | RemotePath) for item in X):
            frames = self._embed_files(extractor, [any_path(item) for item in X])
        elif self.sample_rate is None:
            raise UsageError("AudioEmbedder needs sample_rate to embed waveforms")
        else:
            frames = [extractor.embed(item, self.sample_rate).frames for item in X]
        return np.concatenate([pool(part, self.pooling) for part in frames])

    def _embed_files(
        self, extractor: Extractor, paths: list[AnyPath]
    ) -> list[npt.NDArray[np.float32]]:
        workers = self.workers or n_processors()
        sources = [AudioSource(path) for path in paths]
        frames = []
        for path, found in zip(
            paths, embed_sources(extractor, sources, workers=workers), strict=True
        ):
            if found.embeddings is None:
                error = found.error
                assert error is not None
                error.args = (f"{path} {error}",)
                raise error
            frames.append(found.embeddings.frames)
        return frames

    def _build(self) -> Extractor:
        check_pooling(self.pooling)
        if self.pooling == "vote":
            raise UsageError("AudioEmbedder makes one vector a clip: pooling cannot be 'vote'")
        return load_extractor(
            self.extractor,
            layer=self.layer,
            hop_s=self.hop_s,
            resampler=self.resampler,
            engine=self.engine,
            channel=self.channel,
        )
