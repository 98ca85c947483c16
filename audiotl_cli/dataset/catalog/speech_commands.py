"""Speech Commands, version 0.02."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from audiotl_cli.dataset.catalog.base import Archive, DataSet, Expected, Listing
from audiotl_cli.dataset.index import Clip
from audiotl_cli.errors import DataError
from audiotl_cli.files import SMALL, read_regular

LISTS = {"valid": "validation_list.txt", "test": "testing_list.txt"}
NOISE = "_background_noise_/"

_NAME = re.compile(r"^([a-z]+)/([0-9a-f]+)_nohash_\d+\.wav$")


def _listing(root: Path, recordings: Sequence[str]) -> Listing:
    split_of = {path: split for split, name in LISTS.items() for path in _lines(root / name)}
    # the lists name every file for testing and validation; the rest is there or not
    named = sorted({*split_of, *(path for path in recordings if _NAME.match(path))})
    matches = [(path, match) for path in named if (match := _NAME.match(path))]
    clips = [
        Clip(path, label=match.group(1), split=split_of.get(path, "train"), group=match.group(2))
        for path, match in matches
    ]
    return Listing(clips, lambda path: path.startswith(NOISE))


def _lines(path: Path) -> list[str]:
    try:
        return read_regular(path, 64 * SMALL).decode("utf-8", "replace").split()
    except OSError as error:
        raise DataError(
            f"{path} cannot be read ({error.strerror}); it says which clips are for testing"
        ) from error


DATASET = DataSet(
    name="speech-commands",
    title="Speech Commands 0.02",
    summary="spoken words, 1 s, 2618 speakers",
    licence="CC BY 4.0",
    citation="P. Warden (2018). Speech Commands: A dataset for limited-vocabulary speech "
    "recognition. arXiv:1804.03209",
    home="https://arxiv.org/abs/1804.03209",
    archives=(
        Archive(
            "https://storage.googleapis.com/download.tensorflow.org/data/"
            "speech_commands_v0.02.tar.gz",
            "sha256:af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58",
            size=2_428_923_189,
            exact_size=True,
        ),
    ),
    by_hand="",
    expected=Expected(
        n_clips=105_829,
        labels={
            "backward": 1664, "bed": 2014, "bird": 2064, "cat": 2031, "dog": 2128, "down": 3917,
            "eight": 3787, "five": 4052, "follow": 1579, "forward": 1557, "four": 3728,
            "go": 3880, "happy": 2054, "house": 2113, "learn": 1575, "left": 3801,
            "marvin": 2100, "nine": 3934, "no": 3941, "off": 3745, "on": 3845, "one": 3890,
            "right": 3778, "seven": 3998, "sheila": 2022, "six": 3860, "stop": 3872,
            "three": 3727, "tree": 1759, "two": 3880, "up": 3723, "visual": 1592, "wow": 2123,
            "yes": 4044, "zero": 4052,
        },
        splits={"train": 84_843, "valid": 9981, "test": 11_005},
    ),
    label_rule="the folder; _background_noise_ is left out",
    group_rule="the speaker's hash in the file name: 3a23b1c4_nohash_0.wav",
    split_rule="validation_list.txt and testing_list.txt, the rest is for training",
    markers=("testing_list.txt",),
    listing=_listing,
    recognised=True,
)  # fmt: skip
