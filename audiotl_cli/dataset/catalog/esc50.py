"""ESC-50."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from audiotl_cli.dataset.catalog.base import Archive, DataSet, Expected, Listing
from audiotl_cli.dataset.index import Clip
from audiotl_cli.dataset.rows import read_rows

CATEGORIES = (
    "dog", "rooster", "pig", "cow", "frog", "cat", "hen", "insects", "sheep", "crow",
    "rain", "sea_waves", "crackling_fire", "crickets", "chirping_birds", "water_drops", "wind",
    "pouring_water", "toilet_flush", "thunderstorm", "crying_baby", "sneezing", "clapping",
    "breathing", "coughing", "footsteps", "laughing", "brushing_teeth", "snoring",
    "drinking_sipping", "door_wood_knock", "mouse_click", "keyboard_typing", "door_wood_creaks",
    "can_opening", "washing_machine", "vacuum_cleaner", "clock_alarm", "clock_tick",
    "glass_breaking", "helicopter", "chainsaw", "siren", "car_horn", "engine", "train",
    "church_bells", "airplane", "fireworks", "hand_saw",
)  # fmt: skip
"""In the order of the numbers at the end of file names."""

TABLE = "meta/esc50.csv"

ARCHIVE = Archive("https://github.com/karolpiczak/ESC-50/archive/master.zip", size=600_000_000)

_NAME = re.compile(r"(?:^|/)([1-5])-(\d+)-[A-Z]-(\d+)\.\w+$")


def clips(root: Path, recordings: Sequence[str], *, only_esc10: bool = False) -> list[Clip]:
    """Return its clips: those of its table, or without it those whose names are as published."""
    if (root / TABLE).is_file():
        table = read_rows(root / TABLE).cells("filename", "fold", "category", "esc10", "src_file")
        return [
            Clip(f"audio/{row['filename']}", row["category"], "", row["fold"], row["src_file"])
            for row in table
            if not only_esc10 or row["esc10"] == "True"
        ]
    found = [(path, match) for path in recordings if (match := _NAME.search(path))]
    return [
        Clip(path, CATEGORIES[int(target)], "", fold, source)
        for path, (fold, source, target) in ((path, match.groups()) for path, match in found)
        if int(target) < len(CATEGORIES)
    ]


def _listing(root: Path, recordings: Sequence[str]) -> Listing:
    return Listing(clips(root, recordings))


DATASET = DataSet(
    name="esc50",
    title="ESC-50",
    summary="environmental sounds, 5 s",
    licence="CC BY-NC 3.0",
    citation="K. J. Piczak (2015). ESC: Dataset for environmental sound classification. "
    "Proceedings of the 23rd ACM Conference on Multimedia",
    home="https://github.com/karolpiczak/ESC-50",
    archives=(ARCHIVE,),
    by_hand="",
    expected=Expected(
        n_clips=2000,
        labels=dict.fromkeys(CATEGORIES, 40),
        folds=dict.fromkeys("12345", 400),
    ),
    label_rule="the column category of meta/esc50.csv, or the number at the end of the file name",
    group_rule="the Freesound recording a clip was cut from (src_file)",
    split_rule="five folds",
    markers=(TABLE, "audio"),
    listing=_listing,
    recognised=True,
)
