"""An extractor as a scikit-learn transformer: recordings in, one vector a clip out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
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
from audiotl_cli.project import Project
from audiotl_cli.storage.paths import AnyPath, any_path
from audiotl_cli.storage.remote import RemotePath
from audiotl_cli.store.memo import clip_key
from audiotl_cli.store.shard import Features
from audiotl_cli.store.store import FeatureStore

if TYPE_CHECKING:
    from audiotl_cli.extractors.base import Embeddings, Extractor


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
    store : path or None
        A folder of feature stores, such as ``data/features``. Files whose features are in there
        are not embedded again, and the others are added. None embeds all of them each time.

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
        store: str | Path | None = None,
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
        self.store = store

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
            paths = [any_path(item) for item in X]
            if self.store is None:
                embedded = self._embed_files(extractor, [AudioSource(path) for path in paths])
                frames = [found.frames for found in embedded]
            else:
                frames = self._read_or_embed(extractor, any_path(self.store), paths)
        elif self.sample_rate is None:
            raise UsageError("AudioEmbedder needs sample_rate to embed waveforms")
        else:
            frames = [extractor.embed(item, self.sample_rate).frames for item in X]
        return np.concatenate([pool(part, self.pooling) for part in frames])

    def get_feature_names_out(self, input_features: object = None) -> npt.NDArray[np.object_]:
        """Return the names of the columns, such as ``mfcc_mean0``; `set_output` uses them."""
        extractor = self._build()
        statistics = self.pooling.split("+")
        return np.array(
            [f"{extractor.name}_{name}{i}" for name in statistics for i in range(extractor.dim)],
            dtype=object,
        )

    def _read_or_embed(
        self, extractor: Extractor, root: AnyPath, paths: list[AnyPath]
    ) -> list[npt.NDArray[np.float32]]:
        """Return the frames of files; those that the store lacks are added to it."""
        made_from = asdict(extractor.describe())
        store = FeatureStore.create(root, extractor.name, extractor.dim, made_from)
        memo = Project().open_memo(root)
        try:
            contents = [memo.content(path) for path in paths]
        finally:
            memo.save()
        keys = [clip_key(content.sha256, None, None) for content in contents]
        sources = {
            key: AudioSource(path, content=content)
            for key, path, content in zip(keys, paths, contents, strict=True)
        }
        if not sources.keys() <= store.keys():
            with store.writer() as writer:
                missing = [key for key in sources if key not in store]
                embedded = self._embed_files(extractor, [sources[key] for key in missing])
                for key, found in zip(missing, embedded, strict=True):
                    writer.add(key, Features(found.frames, found.times))
        features = store.read(keys)
        return [features[key].frames for key in keys]

    def _embed_files(
        self, extractor: Extractor, sources: list[AudioSource]
    ) -> Iterator[Embeddings]:
        workers = self.workers or n_processors()
        results = embed_sources(extractor, sources, workers=workers)
        for source, found in zip(sources, results, strict=True):
            if found.embeddings is None:
                error = found.error
                assert error is not None
                error.args = (f"{source.path} {error}",)
                raise error
            yield found.embeddings

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
