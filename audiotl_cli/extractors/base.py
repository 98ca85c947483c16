"""The base class of extractors: a front end, a network, and the positions of its windows."""

from __future__ import annotations

import abc
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from audiotl_cli.audio.channels import check_channel
from audiotl_cli.audio.framing import Framing, segments
from audiotl_cli.audio.resample import check_resampler, resample
from audiotl_cli.audio.types import Waveform
from audiotl_cli.audio.waveform import mono_waveform
from audiotl_cli.errors import UsageError
from audiotl_cli.extractor_config import TENSORFLOW, ExtractorConfig
from audiotl_cli.extractors.checks import Check
from audiotl_cli.extractors.engines import default_engine
from audiotl_cli.extractors.outputs import Classes, Description, Embeddings, Layer
from audiotl_cli.extractors.runtime import batch_threads, one_blas_thread, thread_count
from audiotl_cli.extractors.weights import WeightSource
from audiotl_cli.spelling import did_you_mean

__all__ = ["Classes", "Description", "Embeddings", "Extractor", "Layer", "Patches"]

Patches = npt.NDArray[np.float32]
"""The input of a network: an array of shape (n_windows, ...)."""

MAX_PADDING_S = 60

SEGMENT_WINDOWS = 32
"""Minimum number of windows in a segment, which the front end sees at once."""


class Extractor(abc.ABC):
    """Base class of all extractors.

    A subclass defines its name and the other attributes below, `layers`, `frame`, `front_end`
    and `forward`. Weights are read when the first window is embedded, not before.

    Parameters
    ----------
    config : ExtractorConfig or None
        None is the default of every setting.
    **settings
        Fields of `ExtractorConfig`, which replace those of `config`.

    Attributes
    ----------
    config : ExtractorConfig
        The settings in use: the layer, the exact hop and the engine are filled in.
    engines : tuple of str
        What the network can be run in, the fastest first; empty where there is no choice.
    takes_weights : bool
        Whether the user may name another file of weights than the published one.
    default_padding_s : float or None
        Seconds of silence before and after every recording; None where that cannot be chosen.
    name, version : str
        `version` changes whenever the same audio gives other values.
    sample_rate : int
        Hz.
    window_s : float
        Nominal length of a window, seconds.
    hop_s : float
        Exact distance between windows, seconds.
    dim : int
        Width of a frame.
    batch_size : int
        Number of windows in every batch: shorter batches are filled up with zeros, so that the
        embedding of a window does not depend on its neighbours. See also `usable_batch_size`.
    parallel : bool
        Whether several threads may call `forward` at once.
    front_end_in_worker : bool
        Whether the front end runs in the processes that decode rather than in threads of this
        one. The extractor must be fit to be pickled then. This is faster where there is no
        network: Python threads keep each other waiting.

    Raises
    ------
    UsageError
        The layer, hop, resampler, channel or engine does not exist, or the extractor takes no other
        weights than its own.
    """

    engines: tuple[str, ...] = ()
    takes_weights: bool = False
    default_padding_s: float | None = None
    name: str
    version: str
    summary: str
    sample_rate: int
    window_s: float
    default_hop_s: float
    default_layer: str
    batch_size: int = 16
    parallel: bool = False
    front_end_in_worker: bool = False

    def __init__(self, config: ExtractorConfig | None = None, **settings: Any) -> None:
        config = replace(config or ExtractorConfig(), name=self.name, **settings)
        check_resampler(config.resampler)
        check_channel(config.channel)
        if config.weights is not None and not self.takes_weights:
            raise UsageError(f"{self.name} does not accept other weights than its own")
        if not self.engines and config.engine == TENSORFLOW:
            config = replace(config, engine=None)
        if config.engine and config.engine not in self.engines:
            raise UsageError(f"{self.name} does not run in {config.engine!r}")
        self.engine = config.engine or default_engine(self.engines)
        self.layer = config.layer or self.default_layer
        self.check_layer()
        hop_s = self.default_hop_s if config.hop_s is None else config.hop_s
        if not 0 < hop_s <= 3600:
            raise UsageError(f"--hop-s is {hop_s}, expected seconds above 0")
        self.padding_s = self._padding_s(config.padding_s)
        self.framing = self.frame(hop_s)
        self.hop_s = self.framing.hop / self.sample_rate
        self.config = replace(
            config,
            layer=self.layer,
            hop_s=self.hop_s,
            engine=self.engine or None,
            padding_s=self.padding_s,
        )

    def _padding_s(self, padding_s: float | None) -> float | None:
        if padding_s is None:
            return self.default_padding_s
        if self.default_padding_s is None:
            raise UsageError(f"{self.name} takes no --padding-s")
        if not 0 <= padding_s <= MAX_PADDING_S:
            raise UsageError(f"--padding-s is {padding_s}, expected 0 to {MAX_PADDING_S} seconds")
        return padding_s

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({self.name!r}, layer={self.layer!r}, "
            f"sample_rate={self.sample_rate}, window_s={self.window_s:g}, hop_s={self.hop_s:g}, "
            f"dim={self.dim})"
        )

    @classmethod
    @abc.abstractmethod
    def layers(cls) -> dict[str, Layer]:
        """Return the layers by name, including the default layer."""

    @classmethod
    def classes(cls) -> tuple[Classes, ...]:
        """Return the classes that layers of the network give scores of, the usual ones first."""
        return ()

    def check_layer(self) -> None:
        """Raise `UsageError` for a layer that the network does not have."""
        layers = self.layers()
        if self.layer not in layers:
            raise UsageError(
                f"{self.name} has no layer {self.layer!r}; choose from {', '.join(layers)}"
                f"{did_you_mean(self.layer, layers)}"
            )

    @cached_property
    def dim(self) -> int:
        """Width of a frame."""
        return self.layers()[self.layer].dim

    @property
    def band_hz(self) -> tuple[float, float]:
        """The lowest and the highest frequency that the network takes in."""
        return 0.0, self.sample_rate / 2

    @cached_property
    def rows(self) -> int:
        """Frames per window."""
        return self.layers()[self.layer].rows

    @abc.abstractmethod
    def frame(self, hop_s: float) -> Framing:
        """Return the positions of windows for a hop in seconds, rounded as the network needs it."""

    @abc.abstractmethod
    def front_end(self, segment: Waveform) -> Patches:
        """Compute the input of the network for a segment of n windows.

        Parameters
        ----------
        segment : float32 ((n - 1) * hop + window,)

        Returns
        -------
        patches : float32 (n, ...)
        """

    @abc.abstractmethod
    def forward(self, patches: Patches) -> npt.NDArray[np.float32]:
        """Run the network on a batch.

        Parameters
        ----------
        patches : float32 (batch_size, ...)

        Returns
        -------
        frames : float32 (batch_size, rows, dim)
        """

    def prepare(self) -> None:  # noqa: B027  (a network without weights has nothing to do)
        """Load the weights and build the network now instead of at the first window."""

    def use_threads(self, n_threads: int) -> None:  # noqa: B027
        """Limit the number of threads of the network; must be called before its first use."""

    @classmethod
    def weights_files(cls, layer: str | None = None) -> tuple[WeightSource, ...]:
        """Return the weights that a layer needs, or for None the weights of all layers."""
        return ()

    def weights_id(self) -> tuple[str, str]:
        """Return an identifier of the weights, and their origin.

        Returns
        -------
        identity : str
            ``sha256:`` and the SHA-256 of the file; empty if there are no weights.
        label : str
            ``published``, ``unverified:`` and the name of the user's file, or ``none``.
        """
        return "", "none"

    def published_checks(self) -> list[Check]:
        """Check that the network reproduces the output that its publisher documents."""
        return []

    def details(self) -> dict[str, Any]:
        """Return everything else that changes values, for the fingerprint."""
        return {}

    def describe(self) -> Description:
        """Return the description that the fingerprint is computed from."""
        sha256, weights = self.weights_id()
        return Description(
            extractor=self.name,
            version=self.version,
            layer=self.layer,
            sample_rate=self.sample_rate,
            window=self.framing.window,
            hop=self.framing.hop,
            resampler=self.config.resampler,
            weights_sha256=sha256,
            weights=weights,
            details=self.details() | self.config.details(),
        )

    def patches(self, blocks: Iterable[Waveform], *, eager: bool = False) -> Iterator[Patches]:
        """Compute the input of the network for a stream of samples, in constant memory.

        Parameters
        ----------
        blocks : iterable of float32 (n_samples,)
            At `sample_rate`.
        eager : bool
            Whether to yield windows as soon as they are complete, instead of many at once.
        """
        n_windows = -(-SEGMENT_WINDOWS // self.batch_size) * self.batch_size
        for segment in segments(blocks, self.framing, max_windows=n_windows, eager=eager):
            yield self.front_end(segment)

    def run(self, patches: Patches) -> npt.NDArray[np.float32]:
        """Return the frames, (n, rows, dim), of any number of windows.

        The network is given batches of exactly `batch_size` windows, filled up with zeros.
        """
        self.prepare()  # once here instead of in every thread
        n, size = len(patches), self.usable_batch_size
        batches = [patches[first : first + size] for first in range(0, n, size)]
        futures = [self.start(batch) for batch in batches]
        frames = np.empty((n, self.rows, self.dim), np.float32)
        for first, future in zip(range(0, n, size), futures, strict=True):
            frames[first : first + size] = future.result()
        return frames

    @cached_property
    def usable_batch_size(self) -> int:
        """Number of windows to put into a batch, so that each gives the same values anywhere in it.

        Matrix products may treat the last rows of a matrix differently, so that on some processors
        the last bits of an embedding are different at the end of a batch.
        """
        if self.batch_size == 1:
            return 1
        noise = np.random.default_rng(0).normal(0, 0.1, self.framing.window).astype(np.float32)
        window = self.front_end(noise)[:1]
        frames = self.forward(np.repeat(window, self.batch_size, axis=0))
        others = (i for i in range(1, len(frames)) if not np.array_equal(frames[i], frames[0]))
        return next(others, self.batch_size)

    def start(self, patches: Patches) -> Future[npt.NDArray[np.float32]]:
        """Start to run at most `usable_batch_size` windows, and return a future of their frames.

        `prepare` must have been called.
        """
        return batch_threads(self.batches_at_once()).submit(self._run_filled, patches)

    def batches_at_once(self) -> int:
        """Return the number of batches that run at once."""
        return thread_count() if self.parallel else 1

    def _run_filled(self, patches: Patches) -> npt.NDArray[np.float32]:
        n_missing = self.batch_size - len(patches)
        if n_missing:
            filler = np.zeros((n_missing, *patches.shape[1:]), np.float32)
            return self.forward(np.concatenate([patches, filler]))[:-n_missing]
        return self.forward(patches)

    def assemble(self, frames: npt.NDArray[np.float32], first: int = 0) -> Embeddings:
        """Return the embeddings of consecutive windows of a recording.

        Parameters
        ----------
        frames : float32 (n, rows, dim)
        first : int
            Number of the first of these windows in the recording.
        """
        n = len(frames)
        starts = np.arange(first, first + n, dtype=np.float64) * self.hop_s
        within = np.arange(self.rows) * (self.window_s / self.rows)
        times = (starts[:, None] + within).reshape(-1)
        return Embeddings(frames.reshape(n * self.rows, self.dim), times)

    def embed(self, waveform: npt.ArrayLike, sample_rate: int) -> Embeddings:
        """Embed a waveform.

        Parameters
        ----------
        waveform : array (n_samples,) or (n_samples, n_channels)
            Samples from -1 to 1, or integers; channels become one as the setting `channel` says.
        sample_rate : int
            Hz.

        Returns
        -------
        Embeddings

        Raises
        ------
        AudioError
            The waveform is empty, has another shape, or holds values that are not finite; or
            the sample rate is not a number of Hz.
        """
        mono = mono_waveform(waveform, sample_rate, self.config.channel)
        samples = resample(mono, sample_rate, self.sample_rate, self.config.resampler)
        with one_blas_thread():
            frames = [self.run(patches) for patches in self.patches([samples])]
        return self.assemble(np.concatenate(frames))
