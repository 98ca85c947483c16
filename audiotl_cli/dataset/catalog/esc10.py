"""ESC-10: ten of ESC-50's labels, as a part of it or in folders of its own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from audiotl_cli.dataset.catalog.base import DataSet, Expected, Listing
from audiotl_cli.dataset.catalog.esc50 import ARCHIVE, CATEGORIES, TABLE, clips
from audiotl_cli.dataset.index import Clip

FOLDERS = {
    "dog bark": "dog",
    "rain": "rain",
    "sea waves": "sea_waves",
    "baby cry": "crying_baby",
    "clock tick": "clock_tick",
    "person sneeze": "sneezing",
    "helicopter": "helicopter",
    "chainsaw": "chainsaw",
    "rooster": "rooster",
    "fire crackling": "crackling_fire",
}
"""Folders of its first publication, ``001 - Dog bark`` and so on, and ESC-50's label for each."""

_IN_FOLDER = re.compile(r"(?:^|/)\d{3} - ([^/]+)/([1-5])-(\d+)-[A-Z]\.\w+$")


def _listing(root: Path, recordings: Sequence[str]) -> Listing:
    found = [(path, match) for path in recordings if (match := _IN_FOLDER.search(path))]
    in_folders = [
        Clip(path, FOLDERS[match.group(1).lower()], "", match.group(2), match.group(3))
        for path, match in found
        if match.group(1).lower() in FOLDERS
    ]
    if in_folders:
        return Listing(in_folders)
    ten = [
        clip for clip in clips(root, recordings, only_esc10=True) if clip.label in FOLDERS.values()
    ]
    others = {str(CATEGORIES.index(label)) for label in set(CATEGORIES) - set(FOLDERS.values())}
    return Listing(ten, lambda path: Path(path).stem.rpartition("-")[2] in others)


DATASET = DataSet(
    name="esc10",
    title="ESC-10",
    summary="environmental sounds, 5 s; of ESC-50",
    licence="CC BY 3.0",
    citation="K. J. Piczak (2015). ESC: Dataset for environmental sound classification. "
    "Proceedings of the 23rd ACM Conference on Multimedia",
    home="https://github.com/karolpiczak/ESC-50",
    archives=(ARCHIVE,),
    by_hand="",
    expected=Expected(
        n_clips=400,
        labels=dict.fromkeys(sorted(FOLDERS.values()), 40),
        folds=dict.fromkeys("12345", 80),
    ),
    label_rule="as ESC-50; folders of the first publication get the same labels",
    group_rule="the Freesound recording a clip was cut from, in its file name",
    split_rule="five folds",
    markers=(TABLE, "001 - Dog bark", "ESC-10/001 - Dog bark", "audio"),
    listing=_listing,
)
