"""Find extractors by name, without importing the others.

To add a network: write its file and add one line to `BUILT_IN`. Other packages register
theirs in the entry-point group ``audiotl.extractors``.
"""

from __future__ import annotations

import os
from dataclasses import replace
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING

from audiotl_cli.errors import UsageError, is_out_of_memory
from audiotl_cli.extractor_config import MIX, ExtractorConfig
from audiotl_cli.extractors.base import Extractor
from audiotl_cli.extractors.engines import choose
from audiotl_cli.spelling import did_you_mean
from audiotl_cli.storage.paths import local_path

if TYPE_CHECKING:
    from audiotl_cli.extractors.model_file import ModelFileExtractor

GROUP = "audiotl.extractors"

BUILT_IN = {
    "musicnn": "audiotl_cli.extractors.musicnn:MusicnnExtractor",
    "openl3": "audiotl_cli.extractors.openl3:OpenL3Extractor",
    "mfcc": "audiotl_cli.extractors.mfcc:MfccExtractor",
    "vggish": "audiotl_cli.extractors.vggish:VggishExtractor",
    "yamnet": "audiotl_cli.extractors.yamnet:YamnetExtractor",
    "birdnet": "audiotl_cli.extractors.birdnet:BirdnetExtractor",
    "ced-tiny": "audiotl_cli.extractors.ced:CedTiny",
    "ced-mini": "audiotl_cli.extractors.ced:CedMini",
    "ced-small": "audiotl_cli.extractors.ced:CedSmall",
    "ced-base": "audiotl_cli.extractors.ced:CedBase",
    "speech": "audiotl_cli.extractors.speech:SpeechExtractor",
}


MODEL_FILES = {
    "onnx": "audiotl_cli.extractors.model_onnx:OnnxFileExtractor",
    "tflite": "audiotl_cli.extractors.model_tflite:TfliteExtractor",
    "savedmodel": "audiotl_cli.extractors.model_savedmodel:SavedModelExtractor",
}
"""The classes for names such as ``tflite:FILE``, which is a model of the user's own."""


def list_extractors() -> list[str]:
    """Return the names of all extractors, the default first."""
    return list(entries_by_name())


def extractor_class(name: str) -> type[Extractor]:
    """Return the class registered under a name, or the class for a name such as ``tflite:FILE``.

    Raises
    ------
    UsageError
        There is no such extractor, or a plug-in cannot be imported.
    """
    registered = entries_by_name()
    kind, path = _model_file(name)
    if path:
        entry = EntryPoint(kind, MODEL_FILES[kind], GROUP)
    elif name in registered:
        entry = registered[name]
    else:
        raise _unknown(name)
    try:
        found = entry.load()
        if not (isinstance(found, type) and issubclass(found, Extractor)):
            raise TypeError(f"it is {found!r}, expected a subclass of {Extractor.__qualname__}")
    except Exception as error:  # a plug-in's import can fail in any way
        if is_out_of_memory(error):
            raise
        raise UsageError(
            f"the extractor {name!r} ({entry.value}) cannot be loaded: {error}"
        ) from error
    return found


def find_plugin(name: str) -> EntryPoint | None:
    """Return the entry point of a plug-in; None for an extractor of audiotl itself.

    Raises
    ------
    UsageError
        There is no such extractor.
    """
    if name in BUILT_IN:
        return None
    registered = entries_by_name()
    if name not in registered:
        raise _unknown(name)
    return registered[name]


def model_file(name: str) -> tuple[type[ModelFileExtractor], Path] | None:
    """Return class and path for a name such as ``tflite:FILE``; None for other names."""
    kind, path = _model_file(name)
    if not path:
        return None
    found: type[ModelFileExtractor] = EntryPoint(kind, MODEL_FILES[kind], GROUP).load()
    # Path's own fails where there is no such user
    return found, Path(os.path.expanduser(path)).absolute()  # noqa: PTH111


def load_extractor(
    name: str | ExtractorConfig,
    weights: str | Path | None = None,
    layer: str | None = None,
    hop_s: float | None = None,
    resampler: str = "soxr",
    engine: str | None = None,
    channel: str = MIX,
) -> Extractor:
    """Return an extractor; its weights are read when the first window is embedded.

    Parameters
    ----------
    name : str or ExtractorConfig
        A registered name, see `list_extractors`; or ``onnx:FILE``, ``tflite:FILE`` or
        ``savedmodel:FOLDER`` for a network of your own, see `extractors.model_file`. Or a
        configuration, of which the other parameters replace settings unless they are at their
        defaults.
    weights : path, optional
        A file of weights to use instead of the published one.
    layer : str, optional
        An output of the network; None for its default.
    hop_s : float, optional
        Seconds between windows; None for the network's default.
    resampler : {"soxr", "resampy"}
    engine : {"auto", "onnx", "tensorflow", "ncnn"}, optional
        What runs the network; None for ONNX Runtime. See `engines.choose`.
    channel : {"mix", "left", "right", "loudest"}
        Which channel of a recording is used, see `ExtractorConfig`.

    Raises
    ------
    UsageError
        The name, layer, hop, resampler, engine or channel does not exist, the engine is not
        installed, or the extractor takes no other weights or engine.

    Examples
    --------
    >>> import numpy as np
    >>> extractor = load_extractor("mfcc", hop_s=0.5)
    >>> embeddings = extractor.embed(np.zeros(3 * 44_100), 44_100)
    >>> embeddings.frames.shape, embeddings.times.tolist()
    ((5, 120), [0.0, 0.5, 1.0, 1.5, 2.0])
    """
    config = name if isinstance(name, ExtractorConfig) else ExtractorConfig(name)
    config = config.changed(
        weights=None if weights is None else local_path(str(weights)),
        layer=layer,
        hop_s=hop_s,
        resampler=resampler,
        engine=engine,
        channel=channel,
    )
    found = extractor_class(config.name)
    if config.engine:
        config = replace(config, engine=choose(config.engine, found.engines, config.name))
    return found(config)


def _model_file(name: str) -> tuple[str, str]:
    """Split a name such as ``tflite:FILE`` into kind and path; other names have an empty path."""
    kind, _, path = name.partition(":")
    return kind, path if kind in MODEL_FILES else ""


def _unknown(name: str) -> UsageError:
    kind = name.rpartition(".")[2]
    if kind in MODEL_FILES and name != kind:
        return UsageError(f"no extractor {name!r}; a network file is named as {kind}:{name}")
    choices = ", ".join([*entries_by_name(), "onnx:FILE", "tflite:FILE", "savedmodel:FOLDER"])
    return UsageError(
        f"no extractor {name!r}; choose from {choices}{did_you_mean(name, entries_by_name())}"
    )


@cache
def entries_by_name() -> dict[str, EntryPoint]:
    entries = {name: EntryPoint(name, value, GROUP) for name, value in BUILT_IN.items()}
    for entry in entry_points(group=GROUP):
        if entry.name in entries:
            raise UsageError(
                f"two extractors are called {entry.name!r}: {entries[entry.name].value} and "
                f"{entry.value}; uninstall one of them"
            )
        entries[entry.name] = entry
    return entries
