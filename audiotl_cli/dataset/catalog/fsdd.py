"""The Free Spoken Digit Dataset."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from audiotl_cli.dataset.catalog.base import Archive, DataSet, Expected, Listing
from audiotl_cli.dataset.index import Clip

SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
N_TAKES = 50
N_TEST_TAKES = 5

_NAME = re.compile(r"^(\d)_([^/_]+)_(\d+)\.wav$")


def _listing(root: Path, recordings: Sequence[str]) -> Listing:
    published = (
        f"{digit}_{speaker}_{take}.wav"
        for digit in range(10)
        for speaker in SPEAKERS
        for take in range(N_TAKES)
    )
    # it grows: what later versions add counts, too
    paths = {name: f"recordings/{name}" for name in published}
    paths |= {PurePosixPath(path).name: path for path in recordings}
    found = [(path, match) for name, path in paths.items() if (match := _NAME.match(name))]
    clips = []
    for path, (digit, speaker, take) in sorted((path, match.groups()) for path, match in found):
        split = "test" if int(take) < N_TEST_TAKES else "train"
        clips.append(Clip(path, label=digit, split=split, group=speaker))
    return Listing(clips)


DATASET = DataSet(
    name="fsdd",
    title="Free Spoken Digit Dataset",
    summary="spoken digits, six speakers",
    licence="CC BY-SA 4.0",
    citation="Z. Jackson and others. Free Spoken Digit Dataset. "
    "https://github.com/Jakobovski/free-spoken-digit-dataset",
    home="https://github.com/Jakobovski/free-spoken-digit-dataset",
    archives=(
        Archive("https://github.com/Jakobovski/free-spoken-digit-dataset/archive/master.zip"),
    ),
    by_hand="",
    expected=Expected(
        n_clips=3000,
        labels=dict.fromkeys("0123456789", 300),
        splits={"train": 2700, "test": 300},
    ),
    label_rule="the digit in the file name: 7_jackson_32.wav",
    group_rule="the speaker in the file name",
    split_rule="test is takes 0 to 4 of every speaker",
    markers=("recordings",),
    listing=_listing,
    caution="the published test has the same speakers as the training clips, so it does not "
    "tell how new speakers are understood; audiotl evaluate --cv group does",
)
