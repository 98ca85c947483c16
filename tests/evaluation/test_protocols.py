from __future__ import annotations

import pytest

from audiotl_cli.errors import DataError, UsageError
from audiotl_cli.evaluation.protocols import (
    Protocol,
    Round,
    check_groups,
    leave_one_out,
    parse_protocol,
)


def test_every_part_is_held_out_once() -> None:
    rounds = leave_one_out(["2", "1", "10", "2", "1"], "fold")
    assert rounds == [
        Round("1", train=[0, 2, 3], test=[1, 4]),
        Round("2", train=[1, 2, 4], test=[0, 3]),
        Round("10", train=[0, 1, 3, 4], test=[2]),
    ]


def test_every_clip_is_tested_once_and_never_trained_on_then() -> None:
    parts = [str(i * 7 % 5) for i in range(50)]
    rounds = leave_one_out(parts, "group")
    assert sorted(i for dealt in rounds for i in dealt.test) == list(range(50))
    for dealt in rounds:
        assert sorted(dealt.train + dealt.test) == list(range(50))
        assert {parts[i] for i in dealt.train}.isdisjoint(parts[i] for i in dealt.test)


def test_clips_without_a_part() -> None:
    with pytest.raises(DataError, match=r"2 of 3 clips have no fold .*--fold-regex .*--folds"):
        leave_one_out(["1", "", ""], "fold")
    with pytest.raises(DataError, match=r"1 of 2 clips have no group .*--group-column$"):
        leave_one_out(["1", ""], "group")


def test_one_part_is_not_enough() -> None:
    with pytest.raises(DataError, match="all clips have the same fold, '3'; expected at least tw"):
        leave_one_out(["3", "3"], "fold")


def test_groups_on_both_sides_are_named() -> None:
    rounds = [Round("1", train=[0, 1, 2], test=[3, 4]), Round("2", train=[3, 4], test=[0, 1, 2])]
    assert check_groups(rounds, ["ann", "bob", "", "bob", ""]) == ["bob"]
    assert check_groups(rounds, ["c", "b", "", "c", "b"]) == ["b", "c"]
    assert check_groups(rounds, ["ann", "bob", "", "cy", ""]) == []


@pytest.mark.parametrize(
    ("text", "protocol"),
    [
        ("fold", Protocol("fold")),
        ("group", Protocol("group")),
        ("2", Protocol(2)),
        ("10", Protocol(10)),
        ("5x10", Protocol(5, 10)),
        ("3x1", Protocol(3, 1)),
    ],
)
def test_protocols(text: str, protocol: Protocol) -> None:
    assert parse_protocol(text) == protocol


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "0",
        "-5",
        "2.5",
        "folds",
        "FOLD",
        "5x0",
        "1x5",
        "5x",
        "x5",
        "5x5x5",
        "5 x 5",
        "²",
        "٣",
    ],
)
def test_what_is_no_protocol(text: str) -> None:
    with pytest.raises(UsageError, match=r"--cv is .*, expected fold, group, or a number of folds"):
        parse_protocol(text)
