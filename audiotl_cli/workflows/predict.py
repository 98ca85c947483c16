"""Load a saved model, and find the recordings to predict."""

from __future__ import annotations

import glob
import itertools
import os
from collections.abc import Sequence
from pathlib import Path

from audiotl_cli.audio.decode import find_recordings
from audiotl_cli.classifiers.model_file import load_model_file
from audiotl_cli.errors import AudioError, DataError
from audiotl_cli.inference.model import Model
from audiotl_cli.inference.prediction import Prediction
from audiotl_cli.inference.same_extractor import extractor_of_model
from audiotl_cli.storage.paths import AnyPath
from audiotl_cli.storage.remote import RemotePath
from audiotl_cli.trust import parse_trust


def load_model(path: str | Path, trust: str | Sequence[str] = ()) -> Model:
    """Load a saved model; no code in the file runs.

    Parameters
    ----------
    path : str or Path
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
    classifier, card = load_model_file(path)
    extractors = [extractor_of_model(spec, path, trusted) for spec in card.extractors]
    return Model(classifier, card, extractors)


def list_inputs(inputs: Sequence[AnyPath]) -> list[AnyPath | Prediction]:
    """Return the files to predict: files as they are, folders as the recordings in them.

    A name that is no file's and holds ``*``, ``?`` or ``[`` is a pattern, ``**`` any folders; it
    stands for the files and folders that fit it, each recording once. A folder without
    recordings, a pattern that nothing fits, or a name that no file can have, becomes a
    `Prediction` that has failed.

    Raises
    ------
    DataError
        The only input is a folder without recordings, or a pattern that nothing fits.
    """
    paths: list[AnyPath | Prediction] = []
    for given in inputs:
        try:
            found = _look_for(given)
        except OSError as error:
            paths.append(_failed(given, f"cannot be opened ({error.strerror})"))
            continue
        if found:
            paths += [
                _failed(path, "no name of a file") if "\0" in str(path) else path for path in found
            ]
            continue
        message = "holds no recordings (files ending in .wav, .flac, .ogg, .mp3, ...)"
        if not given.is_dir():
            message = "is a pattern that nothing fits"
        if len(inputs) == 1:
            raise DataError(f"{given} {message}")
        paths.append(_failed(given, message, code="empty"))
    return paths


def _look_for(given: AnyPath) -> Sequence[AnyPath]:
    if isinstance(given, RemotePath):
        return _look_for_objects(given)
    if given.is_dir():
        return find_recordings(given)
    if "\0" in str(given) or not glob.has_magic(str(given)) or os.path.lexists(given):
        return [given]
    fitting = map(Path, sorted(glob.glob(str(given), recursive=True)))  # noqa: PTH207
    found = (find_recordings(path) if path.is_dir() else [path] for path in fitting)
    paths = list(dict.fromkeys(itertools.chain.from_iterable(found)))
    # brackets are seen in names: where nothing fits, such a one is a file that is missing
    return paths or ([] if set("*?") & set(str(given)) else [given])


def _look_for_objects(given: RemotePath) -> list[RemotePath]:
    if given.is_dir():
        return find_recordings(given)
    if not glob.has_magic(given.url) or given.exists():
        return [given]
    found = (find_recordings(path) if path.is_dir() else [path] for path in given.expand())
    return list(dict.fromkeys(itertools.chain.from_iterable(found)))


def _failed(path: AnyPath, message: str, *, code: str = "unreadable") -> Prediction:
    return Prediction(str(path), {}, error=AudioError(message, code=code, stage="open"))
