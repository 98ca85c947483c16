from __future__ import annotations

from pathlib import Path

import pytest

from audiotl_cli.errors import DataError
from audiotl_cli.inference.allow_list import read_labels

CLASSES = (
    "Corvus corax_Common Raven",
    "Strix aluco_Tawny Owl",
    "Ciconia ciconia_Störche",
    "Engine",
)


@pytest.mark.parametrize(
    ("line", "number"),
    [
        ("Strix aluco_Tawny Owl", 1),
        ("strix ALUCO", 1),
        ("  tawny owl  ", 1),
        ("Strix aluco_Waldkauz", 1),
        ("engine", 3),
        ("Sto\u0308rche", 2),
    ],
)
def test_a_class_has_several_names(tmp_path: Path, line: str, number: int) -> None:
    path = tmp_path / "labels.txt"
    path.write_text(f"\n{line}\n", encoding="utf-8")

    assert read_labels(path, CLASSES) == [number]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_files_are_read_as_spreadsheets_save_them(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "labels.txt"
    path.write_bytes("Störche\r\nEngine\r\nEngine\r\n".encode(encoding))

    assert read_labels(path, CLASSES) == [2, 3]


def test_what_is_no_list_is_refused(tmp_path: Path) -> None:
    empty, binary = tmp_path / "empty.txt", tmp_path / "binary.txt"
    empty.write_text("\n \n")
    binary.write_bytes(bytes(range(256)) * 4)

    with pytest.raises(DataError, match="names no label"):
        read_labels(empty, CLASSES)
    with pytest.raises(DataError):
        read_labels(binary, CLASSES)
    with pytest.raises(DataError, match="cannot be read"):
        read_labels(tmp_path / "missing.txt", CLASSES)
    with pytest.raises(DataError, match="cannot be read"):
        read_labels(tmp_path, CLASSES)


def test_many_unknown_lines_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "labels.txt"
    path.write_text("\n".join(["Engine", *(f"xyz{i}" for i in range(9))]))

    with pytest.raises(DataError, match=r"has 9 of 10 lines .*line 2: 'xyz0'.*and 6 more"):
        read_labels(path, CLASSES)
