from __future__ import annotations

import re

import pytest

from audiotl_cli.dataset.duplicates.suggested_groups import suggest_groups
from audiotl_cli.dataset.index import Clip


def clips(*templates: str) -> list[Clip]:
    """Fill {g} with one of five groups, {n} with a number, {l} with one of two labels."""
    return [
        Clip(template.format(g=g, n=n, l=label), label=label)
        for template in templates
        for g in ("anna", "ben", "carla", "dan", "eve")
        for label in ("yes", "no")
        for n in range(3)
    ]


@pytest.mark.parametrize(
    "template",
    [
        "{l}/speaker_{g}_{n}.wav",
        "{l}/{g}_{n}.wav",
        "{l}/{g}-{l}-{n}.wav",
        "{l}_{g}_{n}.wav",
        "{n}_{l}_{g}.wav",
        "{g}/site-{g}/{l}_{n}.wav",
    ],
)
def test_what_several_clips_share_is_suggested(template: str) -> None:
    found = suggest_groups(clips(template))
    assert found is not None
    assert (found.n_groups, found.n_clips) == (5, 30)
    pattern = re.compile(found.expression)
    for clip in clips(template):
        match = pattern.search(clip.path)
        assert match
        assert found.example in match.group(1) or "anna" not in clip.path


def test_names_like_those_of_esc() -> None:
    paths = [f"dog/{n % 5 + 1}-{1000 + n // 2}-{'AB'[n % 2]}.wav" for n in range(20)]
    found = suggest_groups([Clip(path, "dog") for path in paths])
    assert found is not None
    assert found.n_groups == 10


def test_hashes_of_speakers() -> None:
    paths = [f"w{n % 3}/{0xABC00000 + n // 4:08x}_nohash_{n % 4}.wav" for n in range(20)]
    found = suggest_groups([Clip(path, path[:2]) for path in paths])
    assert found is not None
    assert found.n_groups == 5


@pytest.mark.parametrize(
    "template",
    ["{l}/{l}-{n}.wav", "{l}_{n}.wav", "{l}/{n}.wav", "{l}_{n}_A.wav", "{l}/{l}_{l}_{n}.wav"],
)
def test_labels_and_takes_are_not_groups(template: str) -> None:
    assert suggest_groups(clips(template)) is None


def test_names_that_are_all_different_are_not_groups() -> None:
    assert suggest_groups([Clip(f"x/{chr(97 + n)}{n}z_q{n}w.wav", "x") for n in range(20)]) is None


def test_numbers_that_start_anew_in_each_folder_are_not_groups() -> None:
    numbered = [
        Clip(f"{split}/{label}/{first + n:03d}.wav", label=label, split=split)
        for split in ("train", "test")
        for label, first in (("cat", 0), ("dog", 100))
        for n in range(8)
    ]
    assert suggest_groups(numbered) is None
