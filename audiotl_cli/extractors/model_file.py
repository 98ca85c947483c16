"""Embed with a network file of the user: an ONNX or TFLite file, or a SavedModel folder.

``onnx:FILE``, ``tflite:FILE`` and ``savedmodel:FOLDER`` accept any model with one float32 input,
the waveform of a window or what a front end makes of it, and an output of one vector per window.
Settings that cannot be read from the model are in a small JSON file in the same folder, see
`model_settings.Settings`.
"""

from __future__ import annotations

import abc
import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from audiotl_cli.audio.counted import CountedBlocks
from audiotl_cli.audio.framing import Framing, segments
from audiotl_cli.audio.types import Waveform
from audiotl_cli.errors import UsageError, WeightsError, is_out_of_memory
from audiotl_cli.extractor_config import ExtractorConfig
from audiotl_cli.extractors.base import Description, Extractor, Layer, Patches
from audiotl_cli.extractors.cache import file_sha256
from audiotl_cli.extractors.model_network import (
    Array,
    OpenModel,
    VectorNetwork,
    Wanted,
    first_line,
)
from audiotl_cli.extractors.model_settings import read_settings
from audiotl_cli.extractors.runtime import limit_threads
from audiotl_cli.storage.paths import local_path


class ModelFileExtractor(Extractor):
    """Embeddings by a network in a file or folder, one frame per window.

    Parameters
    ----------
    config : ExtractorConfig
        The name is ``onnx:FILE``, ``tflite:FILE`` or ``savedmodel:FOLDER``; what audiotl cannot
        read from the model is in a file of the same name with ``.json`` added. The layer is the
        name of an output; None is that of the JSON file, or the only one.

    Notes
    -----
    The last window is filled up with zeros, so that every sample is in a window, unless the
    settings say that the network takes shorter ones.

    Raises
    ------
    WeightsError
        There is no such model; or, at the first use, the model cannot be read.
    UsageError
        The settings are wrong, or, at the first use, do not fit the model.
    """

    kind: ClassVar[str]
    runs_code: ClassVar[bool] = True
    summary = "a network of your own"
    default_layer = ""

    def __init__(self, config: ExtractorConfig, **settings: Any) -> None:
        path = local_path(config.name.partition(":")[2])
        self.name = f"{self.kind}:{path}"
        self.path = Path(os.path.expanduser(path)).absolute()  # noqa: PTH111
        self.check_there(self.path)
        self.settings_path = self.path.with_name(f"{self.path.name}.json")
        self.settings = read_settings(self.settings_path)
        self.source = self.settings.front_end
        self.sample_rate = self.source.sample_rate
        self.window_s = self.settings.window_s
        self.default_hop_s = self.settings.hop_s
        self.default_layer = self.settings.output
        super().__init__(config, **settings)

    @classmethod
    def layers(cls) -> dict[str, Layer]:
        return {}  # they are known when the model is read

    def check_layer(self) -> None:
        """Do nothing: the outputs are not known before the model is read."""

    @cached_property
    def dim(self) -> int:
        return self._network.dim

    @cached_property
    def rows(self) -> int:
        return 1

    def frame(self, hop_s: float) -> Framing:
        window, hop = self.source.window(self.window_s), self.source.hop(hop_s)
        return Framing(window=window, hop=hop, tail="pad")

    def weights_id(self) -> tuple[str, str]:
        return f"sha256:{self.sha256}", f"unverified:{self.path.name}"

    def details(self) -> dict[str, Any]:
        return self.settings.details()

    def describe(self) -> Description:
        # the location of the model does not change any value
        return replace(super().describe(), extractor=self.kind)

    def use_threads(self, n_threads: int) -> None:
        limit_threads(n_threads)

    def prepare(self) -> None:
        _ = self._network

    def patches(self, blocks: Iterable[Waveform], *, eager: bool = False) -> Iterator[Patches]:
        if not self.settings.keeps_length:
            yield from super().patches(blocks, eager=eager)
            return
        counted, start = CountedBlocks(blocks), 0
        for segment in segments(counted, self.framing, max_windows=1, eager=eager):
            yield self.front_end(segment[: max(counted.n_samples - start, self._shortest)])
            start += self.framing.hop

    def front_end(self, segment: Waveform) -> Patches:
        """Compute windows (n, ...); what a shorter window lacks is NaN where lengths may vary."""
        windows = np.lib.stride_tricks.sliding_window_view(
            segment, min(self.framing.window, len(segment))
        )[:: self.framing.hop]
        return np.stack([self._whole(self._features(window)) for window in windows])

    def forward(self, patches: Patches) -> Array:
        try:
            if not self.settings.min_s:
                return self._network.run(patches)[:, None, :]
            first = patches.reshape(*patches.shape[:2], -1)[:, :, 0]
            lengths = np.count_nonzero(~np.isnan(first), axis=1)
            frames = [
                self._network.run(patch[None, :length])
                for patch, length in zip(patches, lengths, strict=True)
            ]
        except ValueError as error:
            raise self._unfit(error) from error
        return np.stack(frames)

    @abc.abstractmethod
    def open(self) -> OpenModel:
        """Read the model; raises any exception if it cannot be read."""

    @classmethod
    @abc.abstractmethod
    def check_there(cls, path: Path) -> None:
        """Raise `WeightsError` if there is no such model."""

    @classmethod
    @abc.abstractmethod
    def digest_of(cls, path: Path) -> str:
        """Return the SHA-256 of a model without loading it; errors as `check_there`."""

    @cached_property
    def sha256(self) -> str:
        """The SHA-256 of the model when it was first looked at."""
        return self.digest_of(self.path)

    @cached_property
    def _shortest(self) -> int:
        """The fewest samples of a window."""
        return max(self.source.min_samples, self.source.window(self.settings.min_s))

    @cached_property
    def _window_shape(self) -> tuple[int, ...]:
        return self._features(np.zeros(self.framing.window, np.float32)).shape

    def _features(self, window: Waveform) -> Array:
        found, n_frames = self.source.compute(window), self.settings.n_frames
        if n_frames:
            found = found[:n_frames]
            found = np.pad(found, ((0, n_frames - len(found)), (0, 0)))
        mean, std = self.settings.mean, self.settings.std
        if (mean, std) == (0, 1):
            return found
        scaled: Array = (found - np.float32(mean)) / np.float32(std)
        return scaled

    def _whole(self, features: Array) -> Array:
        if features.shape == self._window_shape:
            return features
        whole = np.full(self._window_shape, np.nan, np.float32)
        whole[: len(features)] = features
        return whole

    @cached_property
    def _network(self) -> VectorNetwork:
        try:
            opened = self.open()
        except UsageError:
            raise
        except Exception as error:  # damage raises any exception
            if is_out_of_memory(error):
                raise
            message = f"{self.path} cannot be read as {self.kind} ({first_line(error)})"
            raise WeightsError(message) from error
        settings = self.settings
        wanted = Wanted(
            self.source.axes,
            self._window_shape,
            self.layer,
            settings.axes,
            settings.average_over,
        )
        try:
            network = VectorNetwork(opened, wanted)
            if settings.min_s:
                network.run(self._features(np.zeros(self._shortest, np.float32))[None])
        except ValueError as error:
            raise self._unfit(error) from error
        return network

    def _unfit(self, error: ValueError) -> UsageError:
        return UsageError(
            f"{self.path}: {error}. Settings of the model are in {self.settings_path} (now: "
            f"{self.settings.shown()}); audiotl model inspect lists what a file takes and gives"
        )


def check_file(path: Path, kind: str) -> None:
    """Raise `WeightsError` if there is no such file."""
    if not path.is_file():
        raise WeightsError(f"{path}: no such {kind} file")


def digest_of_file(path: Path, kind: str) -> str:
    """Return the SHA-256 of a file; errors as `check_file`."""
    check_file(path, kind)
    return file_sha256(path)
