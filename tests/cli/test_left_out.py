"""What is not in an index or a prediction is counted, with the reason."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Run
from tests.dataset.folders import touch
from tests.sounds import noise, write_wav


def recordings(*names: str) -> None:
    for seed, name in enumerate(names):
        write_wav(Path(name), noise(2000, seed), 16_000)


def groups(found: Any) -> dict[str, list[str]]:
    """Return the examples by suffix and unit."""
    return {f"{group['suffix']} {group['unit']}".strip(): group["examples"] for group in found}


def test_sound_files_that_cannot_be_read(project: Path, run: Run) -> None:
    recordings("audio/dog/1.wav", "audio/dog/2.wav", "audio/cat/1.wav", "audio/cat/2.wav")
    touch(Path("audio"), *(f"frog/{i}.WAC" for i in range(8)), "dog/notes.txt", "cat/x.mid")

    found = run("index", "audio", "--json").json
    finished = run("index", "audio")

    assert groups(found["left_out"]) == {
        ".wac file": ["frog/0.WAC", "frog/1.WAC", "frog/2.WAC"],
        ".mid file": ["cat/x.mid"],
    }
    assert [group["n"] for group in found["left_out"]] == [8, 1]
    assert "Left out: 8 .wac files: " in finished.out
    assert (
        "Left out: 1 .mid file: this format holds notes or times, and no sound (cat/x.mid)"
        in finished.out
    )
    assert "the label frog has no clip left" in finished.err
    assert found["labels"] == ["cat", "dog"]


def test_empty_folders_and_files_of_the_system(project: Path, run: Run) -> None:
    recordings("audio/dog/1.wav", "audio/dog/2.wav", "audio/cat/1.wav", "audio/cat/2.wav")
    touch(Path("audio"), "dog/.DS_Store", "dog/._1.wav", "Thumbs.db", "docs/read.me")
    touch(Path("audio"), "owl/.DS_Store")

    found = run("index", "audio", "--json").json
    finished = run("index", "audio", "--quiet")

    assert groups(found["left_out"]) == {
        "system file": ["Thumbs.db", "dog/.DS_Store", "dog/._1.wav"],
        "folder": ["docs", "owl"],
    }
    assert "system" not in finished.err
    assert "Left out: 2 folders: holds no recordings (docs, owl)" in finished.out
    assert "the label owl has no clip left" in finished.err


def test_sound_without_a_suffix_and_placeholders_of_icloud(project: Path, run: Run) -> None:
    recordings("audio/a/1.wav", "audio/b/1.wav", "audio/a/2.wav")
    Path("audio/a/2.wav").rename("audio/a/2")
    touch(Path("audio"), "b/.3.wav.icloud")

    left_out = run("index", "audio", "--json").json["left_out"]

    reasons = {group["examples"][0]: group["reason"] for group in left_out}
    assert "it holds sound; name it 2.wav" in reasons["a/2"]
    assert "still in iCloud" in reasons["b/.3.wav.icloud"]


def test_folders_that_cannot_be_looked_into(
    project: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    recordings("audio/a/1.wav", "audio/b/1.wav", "audio/c/1.wav")
    scandir = os.scandir

    def denied(path: str) -> object:
        if Path(path).name == "c":
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    with monkeypatch.context() as patch:
        patch.setattr("os.scandir", denied)
        found = run("index", "audio", "--json").json

    assert groups(found["left_out"]) == {"folder": ["c"]}
    assert found["left_out"][0]["reason"] == "cannot be looked into (Permission denied)"
    assert "the label c has no clip left" in found["warnings"]


@pytest.mark.skipif(os.name != "posix", reason="no links")
def test_linked_folders_are_listed_once(project: Path, run: Run) -> None:
    recordings("audio/a/1.wav", "audio/b/1.wav")
    Path("audio/b/up").symlink_to(Path("audio").absolute())

    left_out = run("index", "audio", "--json").json["left_out"]

    assert groups(left_out) == {"folder": ["b/up"]}
    assert "leads to a folder that is listed already" in left_out[0]["reason"]


@pytest.mark.skipif(os.name != "posix", reason="no links")
def test_a_label_that_is_a_link_to_another(project: Path, run: Run) -> None:
    recordings("audio/a/1.wav", "audio/b/1.wav")
    Path("audio/c").symlink_to(Path("audio/a").absolute())

    assert "the label c has no clip left" in (run("index", "audio", "--json").json["warnings"])


def test_prediction_of_a_folder(new: Path, run: Run, mfcc_model: Path) -> None:
    touch(new, "late.wac", "notes.txt", ".DS_Store")

    finished = run("predict", new, "--model", mfcc_model, "--json", "--quiet")

    assert len(finished.json) == 3
    assert "Left out: 1 .wac file: " in finished.err
    assert "DS_Store" not in finished.err
    assert finished.code == 0


def test_prediction_of_a_folder_without_recordings(
    project: Path, run: Run, mfcc_model: Path
) -> None:
    touch(project / "card", "1.wac", "2.wac", "settings.txt")

    finished = run("predict", project / "card", "--model", mfcc_model)

    assert finished.code == 3
    assert "holds no recordings" in finished.err
    assert "it holds 2 .wac files (Wildlife Acoustics'" in finished.err
    assert "1 .txt file" in finished.err


POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{:064x}\nsize 72862\n"


def test_why_recordings_cannot_be_read(project: Path, run: Run) -> None:
    recordings("audio/a/0.wav", "audio/b/0.wav")
    for i in range(1, 4):
        Path(f"audio/a/{i}.wav").write_text(POINTER.format(i))
    Path("audio/b/1.wav").write_text("<html>404</html>")

    found = run("index", "audio", "--json").json
    shown = " ".join(run("index", "audio").out.split())
    fixed = run("index", "audio", "--fix", "--json").json

    assert found["problems"]["unreadable"] == ["a/1.wav", "a/2.wav", "a/3.wav", "b/1.wav"]
    assert list(found["reasons"].values()) == [
        ["a/1.wav", "a/2.wav", "a/3.wav"],
        ["b/1.wav"],
    ]
    assert "a/1.wav and 2 more: is not a sound file, but a Git LFS pointer" in shown
    assert "b/1.wav: is not a sound file, but a web page" in shown
    assert all("is not a sound file, but a " in change["detail"] for change in fixed["changes"])


def test_labels_without_a_clip_that_can_be_read(project: Path, run: Run) -> None:
    recordings("audio/a/0.wav", "audio/b/0.wav")
    touch(Path("audio"), "c/0.wav", "c/1.wav")
    Path("audio/c/1.wav").write_text("<html>404</html>")

    found = run("index", "audio", "--json").json
    fixed = run("index", "audio", "--fix", "--json").json

    assert "the label c has no clip that can be read" in found["warnings"]
    assert "the label c has no clip left" in fixed["warnings"]


def test_when_nothing_can_be_read(project: Path, run: Run) -> None:
    for i in range(1, 4):
        touch(project / "audio", f"a/{i}.wav")
        Path(f"audio/a/{i}.wav").write_text(POINTER.format(i))

    finished = run("index", "audio")

    assert finished.code == 3
    assert "none of the 3 recordings in audio can be read: a/1.wav and 2 more: " in finished.err
    assert "is not a sound file, but a Git LFS pointer: run `git lfs pull`" in finished.err


def test_recordings_that_a_table_does_not_name(project: Path, run: Run) -> None:
    recordings("audio/1.wav", "audio/2.wav", "audio/3.wav", "audio/more/4.wav", "other/5.wav")
    touch(Path("audio"), "5.wac")
    Path("t.csv").write_text("file,label\naudio/1.wav,a\naudio/2.wav,b\n")

    beside = run("index", "t.csv", "--json").json["left_out"]
    inside = run("index", "audio", "--metadata", "t.csv", "--json").json["left_out"]

    assert groups(beside) == {
        ".wav file": ["audio/3.wav", "audio/more/4.wav"], ".wac file": ["audio/5.wac"],
    }  # fmt: skip
    assert groups(inside) == {".wav file": ["3.wav", "more/4.wav"], ".wac file": ["5.wac"]}
    assert inside[0]["reason"] == "the table does not name it"


def test_names_without_a_recording(project: Path, run: Run) -> None:
    recordings("audio/64000.wav", "audio/b.wav", "audio/x/c.wav", "audio/y/c.wav")
    Path("t.csv").write_text("fname,label\n64000,a\nb,b\nc,a\nd,b\n")

    finished = run("index", "audio", "--metadata", "t.csv", "--json")

    found = finished.json
    assert found["problems"]["unreadable"] == ["c", "d"]
    assert list(found["reasons"]) == [
        "fits several recordings: x/c.wav, y/c.wav; give more of its path",
        "is not below audio, nor is a recording of that name",
    ]
    assert "2 names were matched to recordings whose names differ, such as 64000 -> 64000.wav" in (
        finished.err
    )
    assert "2 names have no recording; c fits several recordings" in " ".join(found["warnings"])


def test_annotations_of_a_name_that_several_recordings_have(project: Path, run: Run) -> None:
    recordings("audio/site1/rec.wav", "audio/site2/rec.wav")
    Path("audio/all.txt").write_text(
        "Selection\tBegin Time (s)\tEnd Time (s)\tBegin File\tSpecies\n1\t0\t0.1\trec.wav\towl\n"
    )

    finished = run("index", "audio", "--labels-from", "annotations")

    assert finished.code == 3
    assert "fits several recordings: site1/rec.wav, site2/rec.wav" in finished.err


def test_a_link_to_a_folder_that_is_gone_is_counted(project: Path, run: Run) -> None:
    recordings("audio/a/1.wav", "audio/b/1.wav")
    Path("audio/c").symlink_to("nowhere")

    found = run("index", "audio", "--no-audit", "--json").json

    (group,) = found["left_out"]
    assert (group["n"], group["unit"], group["examples"]) == (1, "link", ["c"])
    assert "the label c has no clip left" in found["warnings"]


def test_a_table_that_names_folders(project: Path, run: Run) -> None:
    recordings("audio/a/1.wav", "audio/b/1.wav")
    Path("t.csv").write_text("path,label\na,frog\nb,bird\n")

    finished = run("index", "audio", "--metadata", "t.csv", "--no-audit")

    assert "a is a folder; name the recordings in it" in " ".join(finished.err.split())


def test_names_cannot_begin_a_line_of_their_own(project: Path, run: Run) -> None:
    recordings("audio/a/1.wav", "audio/b/1.wav")
    Path("audio/.x\nWarning: y").touch()

    assert "\nWarning: y" not in run("index", "audio", "--no-audit").err
