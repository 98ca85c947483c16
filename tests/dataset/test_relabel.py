from __future__ import annotations

import csv
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiotl_cli.dataset.index import Index
from audiotl_cli.dataset.relabel import place_of, write_labels
from audiotl_cli.errors import DataError

signs = st.text(st.sampled_from("ab;,\t\"' \r\n#"), max_size=6)


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(st.tuples(signs, signs), min_size=1, max_size=5),
    delimiter=st.sampled_from(",;\t"),
    end=st.sampled_from(["\n", "\r\n"]),
    label=st.text(st.sampled_from('xy;,"'), max_size=4),
    data=st.data(),
)
def test_only_the_label_changes(
    rows: list[tuple[str, str]], delimiter: str, end: str, label: str, data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "i.csv")
        with path.open("w", newline="") as file:
            breaks = any(sign in cell for row in rows for cell in row for sign in "\r\n")
            writer = csv.writer(
                file,
                delimiter=delimiter,
                lineterminator=end,
                quoting=csv.QUOTE_ALL if breaks else csv.QUOTE_MINIMAL,
            )
            writer.writerow(["path", "note", "label", "group"])
            for i, (name, note) in enumerate(rows):
                writer.writerow([f"{i}{name}", note, "old", "g"])
        before, was = Index.read(path), path.read_bytes()
        which = data.draw(st.sampled_from(list(before.clips)))

        after = write_labels(path, {place_of(which): label}).index

        assert [clip.label for clip in after.clips] == [
            label if clip == which else "old" for clip in before.clips
        ]
        write_labels(path, {place_of(which): "old"})
        if not set(label) & {delimiter, '"'}:  # else the cell stays quoted
            assert path.read_bytes() == was


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("path\na.wav\nb.wav\n", "path,label\na.wav\nb.wav,rain\n"),
        ("path,label,mine\na.wav\n\n,,\nb.wav\n", "path,label,mine\na.wav\n\n,,\nb.wav,rain\n"),
        ("label;path\n\"x\";a.wav\n;b.wav", "label;path\n\"x\";a.wav\nrain;b.wav"),
        (
            "# audio_root: ..\r\n\"path\",label\r\n\"b.wav\",\r\n",
            "# audio_root: ..\r\n\"path\",label\r\n\"b.wav\",rain\r\n",
        ),
        ("\ufeffpath,label\nb.wav,\n", "\ufeffpath,label\nb.wav,rain\n"),
    ],
    ids=["no column", "short rows", "semicolons, no last line end", "CRLF, quotes", "mark"],
)  # fmt: skip
def test_tables_as_they_come(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "i.csv"
    path.write_bytes(text.encode())

    index = write_labels(path, {("b.wav", None, None): "rain"}).index

    assert path.read_bytes().decode() == expected
    assert {clip.path: clip.label for clip in index.clips}["b.wav"] == "rain"


def test_what_was_edited_meanwhile_stays(tmp_path: Path) -> None:
    path = tmp_path / "i.csv"
    path.write_text("path,label\na.wav,\nb.wav,\n")
    Index.read(path)
    path.write_text("path,label\nnew.wav,dog\na.wav,cat\nb.wav,\n")

    write_labels(path, {("b.wav", None, None): "rain"})

    assert path.read_text() == "path,label\nnew.wav,dog\na.wav,cat\nb.wav,rain\n"


@pytest.mark.parametrize("label", ["a\nb", " a", "a\x00"])
def test_what_cannot_be_a_label_is_refused(tmp_path: Path, label: str) -> None:
    path = tmp_path / "i.csv"
    path.write_text("path,label\na.wav,\n")

    with pytest.raises(DataError, match="cannot be a label"):
        write_labels(path, {("a.wav", None, None): label})

    assert path.read_text() == "path,label\na.wav,\n"


def test_a_clip_that_is_gone_is_named(tmp_path: Path) -> None:
    path = tmp_path / "i.csv"
    path.write_text("path,label\na.wav,\n")

    with pytest.raises(DataError, match=r"has no clip b\.wav any more"):
        write_labels(path, {("b.wav", None, None): "x"})


@pytest.mark.parametrize(
    ("label", "encoding"), [("Gr\u00fcnfink", "cp1252"), ("\u5348\u5f8c", "utf-8-sig")]
)
def test_an_index_keeps_its_encoding_if_that_has_the_label(
    tmp_path: Path, label: str, encoding: str
) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes("path;label\r\nM\u00f6we.wav;\r\n".encode("cp1252"))
    write_labels(path, {("M\u00f6we.wav", None, None): label})
    assert path.read_bytes() == f"path;label\r\nM\u00f6we.wav;{label}\r\n".encode(encoding)
