"""Write a model in another format, for other programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from audiotl_cli.classifiers.model_file import load_model_file
from audiotl_cli.errors import DataError, UsageError
from audiotl_cli.inference.onnx_export import export_classifier, export_whole, largest_difference
from audiotl_cli.inference.same_extractor import extractor_of_model
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
    """

    path: Path
    format: str
    whole: bool
    size: int
    n_probes: int
    largest_difference: float
    sample_rate: int | None = None


def export_model(
    model: Path,
    form: str,
    output: Path | None = None,
    *,
    whole: bool = False,
    trust: str | Sequence[str] = (),
    overwrite: bool = False,
) -> ExportReport:
    """Write a model in another form, unless that would predict something else.

    Parameters
    ----------
    model : Path
    form : str
        One of `FORMATS`.
    output : Path or None
        Beside the model if None.
    whole : bool
        Whether the networks go into the file as well, from the samples on.
    trust : str or sequence of str
        As of `load_model`.
    overwrite : bool
        Whether a file of that name that somebody else made may be lost.

    Raises
    ------
    UsageError
        There is no such format, or something in the model cannot be written in it.
    DataError
        The folder to write to is not there.
    ArtifactError
        The export gives other labels or scores than the model.
    """
    if form not in FORMATS:
        raise UsageError(f"--format is {form!r}; choose from {', '.join(FORMATS)}")
    path = output or model.with_name(f"{model.stem}{'-whole' if whole else ''}.{form}")
    if path.suffix != f".{form}":
        raise UsageError(f"--output is {path}, expected a name that ends in .{form}")
    claim([path], overwrite=overwrite)
    if not path.parent.is_dir():
        raise DataError(f"{path} cannot be written: there is no folder {path.parent}")
    trusted = parse_trust(trust)
    classifier, card = load_model_file(model)
    if whole:
        extractors = [extractor_of_model(spec, model, trusted) for spec in card.extractors]
        probed = export_whole(classifier, card, extractors)
    else:
        probed = export_classifier(classifier, card)
    difference = largest_difference(classifier, probed, path)
    write_output(path, probed.graph)
    n_bytes, n_probes = len(probed.graph), len(probed.inputs)
    return ExportReport(path, form, whole, n_bytes, n_probes, difference, probed.sample_rate)
