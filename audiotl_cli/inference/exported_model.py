"""A model that ``model export --whole`` wrote, at work on recordings in ONNX Runtime."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
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
from audiotl_cli.errors import ArtifactError, DataError, UsageError
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
PART_S, PART_WINDOWS = 60.0, 250
"""The graph takes a recording as a whole. Of a longer one, it takes parts of a minute, or of fewer
windows, which bounds memory: OpenL3 needs 7 MB a window."""

Vector = npt.NDArray[np.float64]


class ExportedModel(Model):
    """A model in one ONNX file, from the samples of a recording to the scores of its labels.

    The scores of a recording that is taken in parts are their mean, by length; it is rejected if
    more than half of it is.
    """

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

    def __init__(self, session: Any, sample_rate: int, n_labels: int, hop_s: float) -> None:
        self.session = session
        self.sample_rate = sample_rate
        self.dim = n_labels + 2
        self.part = round(min(PART_S, PART_WINDOWS * hop_s) * sample_rate)
        super().__init__(ExtractorConfig())

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
        yield held[None]

    def forward(self, patches: Patches) -> npt.NDArray[np.float32]:
        scores, rejected = self.session.run(None, {"waveform": patches[0]})
        return np.array([[[*scores, rejected, patches.shape[1]]]], np.float32)


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
        session = open_session(content)
    except Exception as error:  # ONNX Runtime's errors have no common class
        reason = str(error).splitlines()[0][:200]
        raise ArtifactError(f"{path}: ONNX Runtime cannot run it ({reason})") from error
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
        return _model(session, about)
    except (DamagedError, DataError, KeyError, ValueError, TypeError) as error:
        raise ArtifactError(
            f"{path} is damaged: its description cannot be read ({error})"
        ) from error


def _model(session: Any, about: dict[str, str]) -> ExportedModel:
    described = parse_json_object(about["card"].encode())
    labels = [str(label) for label in json.loads(about["labels"])]
    multi_label = json.loads(about["multi_label"]) is True
    rate = int(about["sample_rate"])
    if not (labels and 1_000 <= rate <= 768_000):
        raise ValueError(f"{len(labels)} labels at {rate} Hz")
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
        multi_label=multi_label,
    )
    head = GivenScores(np.arange(len(labels)))
    classifier = ClipClassifier(
        Pipeline([], head, len(labels) + 2),
        labels,
        "max",
        multi_label,
        threshold=float(about["threshold"]),
    )
    hop_s = min(float(hop) for hop in json.loads(about["hop_s"]))
    if not hop_s > 0:
        raise ValueError(f"windows every {hop_s} s")
    return ExportedModel(classifier, card, [_Graph(session, rate, len(labels), hop_s)])


def is_exported(path: AnyPath) -> bool:
    """Return whether a model file is one of ONNX, by its name."""
    return path.suffix.lower() == SUFFIX
