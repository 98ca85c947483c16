"""Folders whose names are labels, or recordings without labels."""

from __future__ import annotations

import logging
from pathlib import PurePosixPath

from audiotl_cli.audio.decode import find_recordings
from audiotl_cli.dataset.columns import SPLIT_NAMES
from audiotl_cli.dataset.index import Clip
from audiotl_cli.dataset.layouts.annotations import annotation_files
from audiotl_cli.dataset.layouts.registry import Layout, Request, Source, local_folder
from audiotl_cli.errors import DataError
from audiotl_cli.storage.paths import AnyPath, relative

logger = logging.getLogger(__name__)


def clips_from_folder(source: AnyPath, *, labelled: bool) -> list[Clip]:
    """List the recordings below a folder.

    Parameters
    ----------
    source : Path or RemotePath
    labelled : bool
        Whether the first folder below `source` is the label. Where folders are called
        train, valid, test or the like, they are splits and the folders in them labels.

    Raises
    ------
    DataError
        The folder is missing or holds no recordings.
    """
    if not source.is_dir():
        raise DataError(f"{source}: no such folder")
    paths = [relative(path, source) for path in find_recordings(source)]
    if not paths:
        raise DataError(
            f"{source} holds no recordings (files ending in .wav, .flac, .ogg, .mp3, ...)"
        )
    folders = [PurePosixPath(path).parts[:-1] for path in paths]
    if not labelled:
        return [Clip(path) for path in paths]
    are_splits = all(parts and parts[0].lower() in SPLIT_NAMES for parts in folders)
    clips = []
    for path, parts in zip(paths, folders, strict=True):
        split = SPLIT_NAMES[parts[0].lower()] if are_splits else ""
        rest = parts[1:] if are_splits else parts
        clips.append(Clip(path, label=rest[0] if rest else "", split=split))
    return clips


def _read(request: Request) -> Source:
    request.options.check_no_columns()
    recognised = request.folder_to_recognise
    if recognised and annotation_files(local_folder(recognised)):
        logger.info(
            "Annotations lie beside the recordings: --labels-from annotations makes clips of them"
        )
    clips = clips_from_folder(request.source, labelled=request.labelled)
    return Source(clips, request.source)


LAYOUT = Layout(order=70, read=_read, labels_from="folder")
