from __future__ import annotations

import os
from pathlib import Path

import pytest

from audiotl_cli.dataset.index import Clip
from audiotl_cli.dataset.times import (
    moment,
    times_from_column,
    times_from_files,
    times_from_names,
)
from audiotl_cli.errors import DataError, UsageError


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("20240131_235958.WAV", "2024-01-31 23:59:58"),
        ("site1_2024-01-31T23:59:58Z.flac", "2024-01-31 23:59:58"),
        ("2024.01.31-23h59m58", "2024-01-31 23:59:58"),
        ("5003_20240131.wav", "2024-01-31"),
        ("24-2024-01-31/2359.wav", "2024-01-31"),
        ("2024/01/31", "2024-01-31"),
    ],
)
def test_dates_as_recorders_write_them(text: str, same: str) -> None:
    assert moment(text) == moment(same) is not None


@pytest.mark.parametrize("text", ["1-100032-A", "20241331", "20240230.wav", "120240131", "take 3"])
def test_numbers_that_are_no_dates(text: str) -> None:
    assert moment(text) is None


def test_later_is_larger() -> None:
    texts = ["2023-12-31", "20240101", "20240101_0001", "20240101_000101", "2024-01-02"]
    times = times_from_names([Clip(text) for text in texts])
    assert times == sorted(times)
    assert len(set(times)) == 5


@pytest.mark.parametrize(
    ("path", "same"),
    [
        ("2022-archive/20230501_063000.wav", "2023-05-01 06:30:00"),
        ("2022-01-01/site/20230501_063000.wav", "2023-05-01 06:30:00"),
        ("20220101_000000/2023-05-01/rec_7.wav", "2023-05-01"),
        ("site/20230501/063000.wav", "2023-05-01 06:30:00"),
        ("2023/05/01/06-30-00.wav", "2023-05-01 06:30:00"),
        ("2023/05/01/0630.wav", "2023-05-01"),
        ("20230501/rec.wav", "2023-05-01"),
    ],
)
def test_the_name_of_a_file_comes_before_those_of_its_folders(path: str, same: str) -> None:
    assert times_from_names([Clip(path)]) == [moment(same)]


def test_names_without_a_date_are_told() -> None:
    with pytest.raises(UsageError, match=r"in the names of 1 of 2 clips, such as b\.wav"):
        times_from_names([Clip("20240101.wav"), Clip("b.wav")])


def test_times_of_files(tmp_path: Path) -> None:
    (tmp_path / "a.wav").touch()
    os.utime(tmp_path / "a.wav", (5.0, 7.0))
    assert times_from_files([Clip("a.wav")], tmp_path) == [7.0]
    with pytest.raises(DataError, match=r"b\.wav cannot be read"):
        times_from_files([Clip("b.wav")], tmp_path)


def test_columns_hold_dates_or_numbers() -> None:
    clips = [Clip("a"), Clip("b")]
    assert times_from_column(clips, "year", {"a": "1999", "b": "2003"}) == [1999.0, 2003.0]
    first, second = times_from_column(clips, "day", {"a": "2024-05-02", "b": "2024-05-01"})
    assert first > second
    with pytest.raises(UsageError, match="column 'day' of 1 of 2 clips, such as b"):
        times_from_column(clips, "day", {"a": "2024-05-02"})
