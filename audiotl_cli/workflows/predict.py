"""Load a saved model, and find the recordings to predict."""

from __future__ import annotations

import glob
import itertools
import os
from collections.abc import Sequence
from pathlib import Path

from audiotl_cli.audio.listing import list_folder
from audiotl_cli.classifiers.model_file import load_model_file
from audiotl_cli.errors import AudioError, DataError
from audiotl_cli.inference.exported_model import is_exported, load_exported
from audiotl_cli.inference.model import Model
from audiotl_cli.inference.prediction import Prediction
from audiotl_cli.inference.same_extractor import extractor_of_model
from audiotl_cli.left_out import LeftOutCounter
from audiotl_cli.storage.paths import AnyPath
from audiotl_cli.storage.remote import RemotePath
from audiotl_cli.trust import parse_trust

_NOTHING_FITS = "is a pattern that nothing fits"


def load_model(path: str | Path, trust: str | Sequence[str] = ()) -> Model:
    """Load a saved model; no code in the file runs.

    Parameters
    ----------
    path : str or Path
        A model file, or an ONNX file of ``model export --whole``.
    trust : str or sequence of str
        ``sha256:`` and 64 hexadecimal digits, of a program that the model's extractor is, such
        as a SavedModel of somebody's own. The model file itself holds numbers and text alone,
        and needs no trust.

    Raises
    ------
    DataError
        There is no such file.
    ArtifactError
        The file is no model, was saved by an earlier version of audiotl, is damaged, or was made
        with other weights; or its extractor is a program that the user does not trust.
    UsageError
        `trust` is no such text.

    Examples
    --------
    >>> model = load_model("sounds.joblib")
    >>> model.labels
    ['chirp', 'drum', 'rain']
    >>> model.predict(["new.wav"])[0].label
    'rain'
    """
    path = Path(path)
    trusted = parse_trust(trust)
    if is_exported(path):
        return load_exported(path)
    classifier, card = load_model_file(path)
    hop_s = None if classifier.events is None else classifier.events.hop_s
    extractors = [extractor_of_model(spec, path, trusted, hop_s) for spec in card.extractors]
    return Model(classifier, card, extractors)


def list_inputs(
    inputs: Sequence[AnyPath], left_out: LeftOutCounter | None = None
) -> list[AnyPath | Prediction]:
    """Return the files to predict: files as they are, folders as the recordings in them.

    A name that is no file's and holds ``*``, ``?`` or ``[`` is a pattern, ``**`` any folders; it
    stands for the files and folders that fit it, each recording once. A folder without
    recordings, a pattern that nothing fits, or a name that no file can have, becomes a
    `Prediction` that has failed.

    Parameters
    ----------
    inputs : sequence of Path or RemotePath
    left_out : LeftOutCounter or None
        Gets what is in the folders and not among the recordings.

    Raises
    ------
    DataError
        The only input is a folder without recordings, or a pattern that nothing fits.
    """
    paths: list[AnyPath | Prediction] = []
    left_out = LeftOutCounter() if left_out is None else left_out
    for given in inputs:
        try:
            found = _look_for(given, left_out)
        except OSError as error:
            paths.append(_failed(given, f"cannot be opened ({error.strerror})"))
            continue
        if found:
            paths += [
                _failed(path, "no name of a file") if "\0" in str(path) else path for path in found
            ]
            continue
        is_folder = given.is_dir()
        message = list_folder(given).nothing_found() if is_folder else _NOTHING_FITS
        if len(inputs) == 1:
            raise DataError(f"{given} {message}")
        paths.append(_failed(given, message, code="empty"))
    return paths


def _look_for(given: AnyPath, left_out: LeftOutCounter) -> Sequence[AnyPath]:
    if isinstance(given, RemotePath):
        return _look_for_objects(given, left_out)
    if given.is_dir():
        return _recordings(given, left_out)
    if "\0" in str(given) or not glob.has_magic(str(given)) or os.path.lexists(given):
        return [given]
    fitting = map(Path, sorted(glob.glob(str(given), recursive=True)))  # noqa: PTH207
    found = (_recordings(path, left_out) if path.is_dir() else [path] for path in fitting)
    paths = list(dict.fromkeys(itertools.chain.from_iterable(found)))
    # brackets are seen in names: where nothing fits, such a one is a file that is missing
    return paths or ([] if set("*?") & set(str(given)) else [given])


def _look_for_objects(given: RemotePath, left_out: LeftOutCounter) -> list[AnyPath]:
    if given.is_dir():
        return _recordings(given, left_out)
    if not glob.has_magic(given.url) or given.exists():
        return [given]
    found = (_recordings(path, left_out) if path.is_dir() else [path] for path in given.expand())
    return list(dict.fromkeys(itertools.chain.from_iterable(found)))


def _recordings(folder: AnyPath, left_out: LeftOutCounter) -> list[AnyPath]:
    listing = list_folder(folder)
    if listing.recordings:
        listing.count(left_out)
    return listing.recordings


def _failed(path: AnyPath, message: str, *, code: str = "unreadable") -> Prediction:
    return Prediction(str(path), {}, error=AudioError(message, code=code, stage="open"))
