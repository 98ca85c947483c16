"""Write a model in another format, for other programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from audiotl_cli.classifiers.card import ModelCard
from audiotl_cli.classifiers.classifier import ClipClassifier
from audiotl_cli.classifiers.model_file import load_model_file
from audiotl_cli.dataset.index import Index
from audiotl_cli.errors import DataError, UsageError
from audiotl_cli.extractors.base import Extractor
from audiotl_cli.inference.onnx_export import export_classifier, export_whole, largest_difference
from audiotl_cli.inference.quantisation_cost import QuantisationCost, measure_cost
from audiotl_cli.inference.same_extractor import extractor_of_model
from audiotl_cli.project import Project
from audiotl_cli.trust import parse_trust
from audiotl_cli.written import claim, write_output

FORMATS = ("onnx",)


@dataclass(frozen=True)
class ExportReport:
    """What was exported, and how near it comes.

    Parameters
    ----------
    path : Path
    format : str
    whole : bool
        Whether it takes waveforms, and not frames.
    size : int
        Bytes.
    n_probes : int
        Clips, or sounds, that both were asked about; all labels were the same.
    largest_difference : float
        Of a score.
    sample_rate : int or None
        Hz, of the waveforms it takes.
    quantised : QuantisationCost or None
        What it costs that weights are kept in 8 bits; None where they are not.
    """

    path: Path
    format: str
    whole: bool
    size: int
    n_probes: int
    largest_difference: float
    sample_rate: int | None = None
    quantised: QuantisationCost | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values."""
        return asdict(self) | {"path": str(self.path)}


def export_model(
    project: Project,
    model: Path,
    form: str,
    output: Path | None = None,
    *,
    whole: bool = False,
    quantise: bool = False,
    trust: str | Sequence[str] = (),
    overwrite: bool = False,
) -> ExportReport:
    """Write a model in another form, unless that would predict something else.

    Parameters
    ----------
    project : Project
    model : Path
    form : str
        One of `FORMATS`.
    output : Path or None
        Beside the model if None.
    whole : bool
        Whether the networks go into the file as well, from the samples on.
    quantise : bool
        Whether the weights of the networks are kept in 8 bits. What that costs is measured on
        held-out clips of the index that the model was trained on.
    trust : str or sequence of str
        As of `load_model`.
    overwrite : bool
        Whether a file of that name that somebody else made may be lost.

    Raises
    ------
    UsageError
        There is no such format, something in the model cannot be written in it, or there are no
        networks to quantise.
    DataError
        The folder to write to is not there.
    ArtifactError
        The export gives other labels or scores than the model.
    """
    if form not in FORMATS:
        raise UsageError(f"--format is {form!r}; choose from {', '.join(FORMATS)}")
    if quantise and not whole:
        raise UsageError("--quantise is about the weights of networks, so it needs --whole")
    ending = ("-whole" if whole else "") + ("-int8" if quantise else "")
    path = output or model.with_name(f"{model.stem}{ending}.{form}")
    if path.suffix != f".{form}":
        raise UsageError(f"--output is {path}, expected a name that ends in .{form}")
    claim([path], overwrite=overwrite)
    if not path.parent.is_dir():
        raise DataError(f"{path} cannot be written: there is no folder {path.parent}")
    trusted = parse_trust(trust)
    classifier, card = load_model_file(model)
    if whole:
        extractors = [extractor_of_model(spec, model, trusted) for spec in card.extractors]
        probed = export_whole(classifier, card, extractors, quantise=quantise)
    else:
        probed = export_classifier(classifier, card)
    difference = largest_difference(classifier, probed, path)
    cost = None
    content = probed.graph
    if quantise:
        content = probed.quantised
        cost = _cost(project, classifier, card, extractors[0], (probed.graph, content))
    write_output(path, content)
    n_bytes, n_probes = len(content), len(probed.inputs)
    return ExportReport(path, form, whole, n_bytes, n_probes, difference, probed.sample_rate, cost)


def _cost(
    project: Project,
    classifier: ClipClassifier,
    card: ModelCard,
    extractor: Extractor,
    graphs: tuple[bytes, bytes],
) -> QuantisationCost:
    path = project.index_dir / card.index
    try:
        index = Index.read(path)
    except (DataError, OSError) as error:
        return QuantisationCost(problem=f"the index of its training clips cannot be read: {error}")
    if index.sha256() != card.index_sha256:
        return QuantisationCost(problem=f"{path} has changed since the model was trained on it")
    return measure_cost(graphs, classifier, extractor, index)
