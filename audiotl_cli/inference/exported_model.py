"""A model that ``model export --whole`` wrote, at work on recordings in ONNX Runtime."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from audiotl_cli.audio.framing import Framing
from audiotl_cli.audio.types import Waveform
from audiotl_cli.classifiers.card import ExtractorSpec, ModelCard
from audiotl_cli.classifiers.checks import DamagedError
from audiotl_cli.classifiers.classifier import ClipClassifier
from audiotl_cli.classifiers.given_scores import GivenScores
from audiotl_cli.classifiers.pipeline import Pipeline
from audiotl_cli.errors import ArtifactError, DataError, UsageError, is_out_of_memory
from audiotl_cli.extractor_config import ExtractorConfig
from audiotl_cli.extractors.base import Embeddings, Extractor, Layer, Patches
from audiotl_cli.extractors.engines.onnx_file import read_onnx
from audiotl_cli.files import read_regular
from audiotl_cli.graph import open_session
from audiotl_cli.inference.events import Event, EventOptions
from audiotl_cli.inference.model import Model
from audiotl_cli.json_files import get, parse_json_object
from audiotl_cli.storage.paths import AnyPath

SUFFIX = ".onnx"
MAX_BYTES = 2 << 30
PROBE_SAMPLES = 1000
PART_S, PART_WINDOWS = 60.0, 250
"""The graph takes a recording as a whole. Of a longer one, it takes parts of a minute, or of fewer
windows, which bounds memory: OpenL3 needs 7 MB a window."""

MIN_HOP_S = 1e-3
DAMAGES = (DamagedError, DataError, UsageError)

Vector = npt.NDArray[np.float64]


class ExportedModel(Model):
    """A model in one ONNX file, from the samples of a recording to the scores of its labels.

    The scores of a recording that is taken in parts are their mean, by length; it is rejected if
    more than half of it is.
    """

    finds_events = False

    def scorer(self, options: EventOptions | None, *, block: int = 0) -> Any:
        """Return what scores one recording; UsageError where events are asked for."""
        if options is not None:
            raise UsageError(
                "an exported model gives labels of whole recordings; to find events along them, "
                "name the model file that it was exported from"
            )
        return _Scores()


class _Scores:
    """Takes the scores of the parts of one recording."""

    def __init__(self) -> None:
        self.heard_s = [0.0]
        self._parts: list[Patches] = []

    def add(self, number: int, embedded: Embeddings) -> list[Event]:
        self._parts.append(embedded.frames)
        return []

    def finish(self, duration_s: float) -> list[Event]:
        return []

    def scores(self) -> tuple[Vector, bool]:
        parts = np.concatenate(self._parts).astype(np.float64)
        mean = np.average(parts[:, :-1], axis=0, weights=parts[:, -1])
        return mean[:-1], bool(mean[-1] > 0.5)


class _Graph(Extractor):
    """The graph as an extractor: a frame a part, of its scores, its rejection, and its length."""

    name = "onnx"
    version = "1"
    summary = "an exported model"
    window_s = default_hop_s = 1.0
    default_layer = "scores"
    batch_size = 1
    parallel = True

    def __init__(self, session: Any, sound: _Sound, n_labels: int) -> None:
        self.session = session
        self.sample_rate = sound.rate
        self.dim = n_labels + 2
        self.part = round(min(PART_S, PART_WINDOWS * sound.hop_s) * sound.rate)
        self._band_hz = sound.band_hz
        super().__init__(ExtractorConfig(channel=sound.channel, resampler=sound.resampler))

    @property
    def band_hz(self) -> tuple[float, float]:
        return self._band_hz

    @classmethod
    def layers(cls) -> dict[str, Layer]:
        return {"scores": Layer(0)}

    def frame(self, hop_s: float) -> Framing:
        return Framing(window=self.sample_rate, hop=self.sample_rate)

    def front_end(self, segment: Waveform) -> Patches:
        return segment[None]

    def patches(self, blocks: Iterable[Waveform], *, eager: bool = False) -> Iterator[Patches]:
        # the last part is at least half as long as the others: a short one says little
        held = np.zeros(0, np.float32)
        for block in blocks:
            held = np.concatenate([held, block])
            while len(held) >= self.part * 3 // 2:
                yield held[None, : self.part]
                held = held[self.part :]
        yield (held if len(held) else np.zeros(1, np.float32))[None]

    def forward(self, patches: Patches) -> npt.NDArray[np.float32]:
        try:
            scores, rejected = self.session.run(None, {"waveform": patches[0]})
            row = [*scores, rejected, patches.shape[1]]
            return np.array(row, np.float32).reshape(1, 1, self.dim)
        except Exception as error:  # ONNX Runtime's errors have no common class
            if is_out_of_memory(error):
                raise
            raise ArtifactError(
                f"the exported model cannot be run ({_first_line(error)})"
            ) from error


@dataclass(frozen=True)
class _Sound:
    """What the graph takes: Hz, the distance of windows, the channel, and what is heard of it."""

    rate: int
    hop_s: float
    band_hz: tuple[float, float]
    channel: str
    resampler: str


def load_exported(path: Path) -> ExportedModel:
    """Load a file that ``model export --whole`` wrote.

    Raises
    ------
    ArtifactError
        The file is something else, damaged, or has its constants in other files.
    OSError
        It cannot be read.
    """
    content = read_regular(path, MAX_BYTES)
    try:
        graph = read_onnx(content)
        graph.check_allowed()
    except ValueError as error:
        raise ArtifactError(f"{path} is no ONNX file that can be used: {error}") from error
    try:
        session = open_session(content, n_threads=1)  # recordings run side by side
    except Exception as error:  # ONNX Runtime's errors have no common class
        raise ArtifactError(f"{path}: ONNX Runtime cannot run it ({_first_line(error)})") from error
    about = session.get_modelmeta().custom_metadata_map
    inputs = [value.name for value in session.get_inputs()]
    if "card" not in about or inputs != ["waveform"]:
        alone = "card" in about and "labels" in about
        raise ArtifactError(
            f"{path} holds a classifier alone; write it with the networks: audiotl model export "
            "MODEL --whole"
            if alone
            else f"{path} is not from audiotl model export (it takes {', '.join(inputs)}); to use "
            f"another ONNX file as a network: audiotl extract --extractor onnx:{path}"
        )
    try:
        model = _model(session, about)
    except (*DAMAGES, LookupError, ValueError, TypeError, RecursionError) as error:
        raise ArtifactError(
            f"{path} is damaged: its description cannot be read ({error})"
        ) from error
    try:
        model.predict(np.zeros(PROBE_SAMPLES, np.float32), sample_rate=round(2 * model.highest_hz))
    except ArtifactError as error:
        raise ArtifactError(f"{path} is damaged: {error}") from error
    return model


def _model(session: Any, about: dict[str, str]) -> ExportedModel:
    described = parse_json_object(about["card"].encode())
    labels = json.loads(about["labels"])
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise ValueError("its labels are no list of texts")
    if not labels or len(set(labels)) < len(labels):
        raise ValueError(f"{len(labels)} labels, of which {len(set(labels))} differ")
    threshold = float(about["threshold"])
    if not 0 <= threshold <= 1:
        raise ValueError(f"a threshold of {threshold}")
    card = ModelCard(
        classifier=str(get(described, "classifier", str)),
        pooling="max",
        params={},
        scale=None,
        pca=None,
        seed=0,
        labels=labels,
        extractors=[ExtractorSpec.from_dict(spec) for spec in get(described, "extractors", list)],
        index="",
        index_sha256="",
        split="",
        n_clips=0,
        multi_label=json.loads(about["multi_label"]) is True,
    )
    classifier = ClipClassifier(
        Pipeline([], GivenScores(np.arange(len(labels))), len(labels) + 2),
        labels,
        card.pooling,
        card.multi_label,
        threshold=threshold,
    )
    graph = _Graph(session, _sound(about, card.extractors), len(labels))
    return ExportedModel(classifier, card, [graph])


def _sound(about: dict[str, str], specs: Sequence[ExtractorSpec]) -> _Sound:
    if not specs:
        raise ValueError("no network")
    rate, config = int(about["sample_rate"]), specs[0].config
    hop_s = min(float(hop) for hop in json.loads(about["hop_s"]))
    lowest, highest = map(float, json.loads(about.get("band_hz", f"[0, {rate / 2}]")))
    if not 1_000 <= rate <= 768_000:
        raise ValueError(f"a sample rate of {rate} Hz")
    if not (hop_s >= MIN_HOP_S and 0 <= lowest < highest <= rate / 2):
        raise ValueError(f"windows every {hop_s} s, which hear {lowest} to {highest} Hz")
    return _Sound(rate, hop_s, (lowest, highest), config.channel, config.resampler)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def is_exported(path: AnyPath) -> bool:
    """Return whether a model file is one of ONNX, by its name."""
    return path.suffix.lower() == SUFFIX
