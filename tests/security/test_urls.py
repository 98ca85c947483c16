"""A URL reaches a storage only if it is of a kind that is read, wherever the URL stands."""

from __future__ import annotations

import io
import json
import shlex
import shutil
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.models

from audiotl_cli.cli import options
from audiotl_cli.cli.main import app, main
from audiotl_cli.dataset.index import Index
from audiotl_cli.storage.paths import any_path, join
from audiotl_cli.storage.schemes import RefusedUrlError
from tests.conftest import Run

URLS = (
    "trap://127.0.0.1:8786/a.wav::file:///x",
    "trap://127.0.0.1:8786/a.wav",
    "TRAP://127.0.0.1:8786/a.wav",
    "s3://bucket/a.wav::trap://x",
    "file:///etc/hostname",
    "simplecache::s3://bucket/a.wav",
    "filecache::https://example.org/a.wav",
    "zip://a.wav::https://example.org/a.zip",
    "reference://a.wav",
    "memory://folder/a.wav",
    "local:///etc/hostname",
)
URL = URLS[0]


@pytest.mark.parametrize("url", URLS)
def test_what_somebody_types_is_refused_with_a_list_of_schemes(
    project: Path, run: Run, asked: list[str], url: str
) -> None:
    for args in (("index", url), ("predict", url), ("store", "info", "--store", url)):
        ended = run(*args)
        assert ended.code == 2, args
        assert "s3://, gs://, az://, abfs://, http:// or https://" in " ".join(ended.err.split())
    assert not asked


@pytest.mark.parametrize("url", URLS)
def test_what_a_row_says_fails_when_it_is_used(asked: list[str], url: str) -> None:
    path = join(Path("folder"), url)
    for use in (path.stat, path.read_bytes, path.exists, path.open):
        with pytest.raises(RefusedUrlError, match=r"s3://, gs://, az://"):
            use()
    assert isinstance(RefusedUrlError("", ""), OSError)  # as for any recording that cannot be read
    assert not asked


@pytest.mark.parametrize("scheme", ["s3", "gs", "az", "abfs", "http", "https"])
def test_the_schemes_that_are_read(scheme: str) -> None:
    url = f"{scheme}://place/a.wav"
    assert str(any_path(url)) == str(join(Path("folder"), url)) == url


COMMANDS = (
    "index {}",
    "index . --metadata {}",
    "index . --out {}",
    "extract --index {}",
    "extract --store {}",
    "extract --extractor onnx:{}",
    "extract --extractor tflite:{}",
    "extract --extractor savedmodel:{}",
    "train --index {}",
    "train --store {}",
    "train --out {}",
    "tune --store {}",
    "evaluate {}",
    "evaluate --report {}",
    "evaluate --cv 2 --store {}",
    "predict {}",
    "predict a.wav --model {}",
    "predict a.wav --output {}",
    "predict a.wav --copy-to {}",
    "predict --watch {}",
    "listen --model {}",
    "similar {}",
    "similar a.wav --store {}",
    "similar a.wav --output {}",
    "label --from {}",
    "label --set {}=dog",
    "label --store {}",
    "model inspect {}",
    "model export {}",
    "models fetch yamnet --from {}",
    "models fetch musicnn --from {}",
    "store info --store {}",
    "store verify --store {}",
    "store prune --store {}",
    "store import {} --name x",
)


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory, sounds: Path) -> Path:
    """Return a project folder with an index and features, to copy."""
    folder = tmp_path_factory.mktemp("filled")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for args in (
            ["index", str(sounds), "--name", "sounds", "--no-audit"],
            ["extract", "--extractor", "mfcc", "--hop-s", "0.5"],
        ):
            with pytest.raises(SystemExit) as stop:
                main([*args, "--quiet"])
            assert stop.value.code == 0
    return folder


@pytest.fixture
def indexed(project: Path, filled: Path, offline: None) -> Path:
    """Return a project folder with an index and features."""
    shutil.copytree(filled, project, dirs_exist_ok=True)
    return project


@pytest.mark.parametrize("command", COMMANDS)
def test_arguments_and_options(indexed: Path, run: Run, asked: list[str], command: str) -> None:
    for url in (URL, "file:///etc/hostname"):
        ended = run(*shlex.split(command.format(url)))
        assert (ended.code, "s3://" in ended.err, ended.out) == (2, True, ""), ended.err
    assert not asked


def every_path_option() -> Iterator[tuple[str, object]]:
    """Yield the name and the parser of every option and argument that is a path."""

    def commands(group: typer.Typer) -> Iterator[Callable[..., Any]]:
        for command in group.registered_commands:
            assert command.callback is not None
            yield command.callback
        for below in group.registered_groups:
            assert below.typer_instance is not None
            yield from commands(below.typer_instance)

    for command in commands(app):
        for name, kind in typing.get_type_hints(command, include_extras=True).items():
            parts = typing.get_args(kind)
            if "Path" in str(parts[:1]):
                info = next(part for part in parts if isinstance(part, typer.models.ParameterInfo))
                yield f"{command.__name__} {name}", info.parser


def test_every_option_that_is_a_path_refuses_urls() -> None:
    found = dict(every_path_option())
    assert len(found) > 20
    assert {name for name, parser in found.items() if parser is not options.path} == set()


def test_settings(
    indexed: Path, run: Run, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for table in (f'[extract]\nstore = "{URL}"', f'[extract]\nindex = "{URL}"'):
        (indexed / "audiotl.toml").write_text(table)
        assert run("extract", "--extractor", "mfcc").code == 2
    (indexed / "audiotl.toml").unlink()
    monkeypatch.setenv("AUDIOTL_EXTRACT_STORE", URL)
    assert run("extract", "--extractor", "mfcc").code == 2
    assert not asked


def test_a_setting_that_no_file_can_be(indexed: Path, run: Run) -> None:
    (indexed / "audiotl.toml").write_text('[extract]\nindex = "a\\u0000b"')
    ended = run("extract")
    assert (ended.code, "holds a NUL byte" in ended.err) == (2, True)


AFTER_INDEX = (
    "extract --extractor mfcc --hop-s 0.5",
    "train",
    "tune",
    "evaluate --cv 2",
    "label --n 1",
    "similar {sound} --extractor mfcc",
    "store prune --dry-run",
)


@pytest.mark.parametrize("command", AFTER_INDEX)
def test_audio_root(indexed: Path, sounds: Path, run: Run, asked: list[str], command: str) -> None:
    path = indexed / "data/index/sounds.csv"
    path.write_text(path.read_text().replace(f",{sounds}\n", f",{URL}\n"))
    sound = next(sounds.rglob("*.wav"))
    ended = run(*shlex.split(command.format(sound=sound)))
    assert ended.code == 3
    assert "sounds.csv, line 2: audio_root" in " ".join(ended.err.split())
    assert not asked


@pytest.mark.parametrize("command", AFTER_INDEX)
def test_a_row_costs_itself_alone(
    indexed: Path, sounds: Path, run: Run, asked: list[str], command: str
) -> None:
    path = indexed / "data/index/sounds.csv"
    with path.open("a") as file:
        file.writelines(f"{url},rain\n" for url in URLS)
    sound = next(sounds.rglob("*.wav"))
    ended = run(*shlex.split(command.format(sound=sound)), "--json")
    assert not asked
    if command.startswith("extract"):
        assert ended.code == 1
        failures = ended.json["failures"]
        assert [failure["path"].lower() for failure in failures] == [url.lower() for url in URLS]
        assert {failure["stage"] for failure in failures} == {"open"}
        assert all("expected" in failure["message"] for failure in failures)
    elif command.startswith("store prune"):  # whose features nobody needs cannot be told
        assert (ended.code, "expected one of s3://" in ended.err) == (3, True)
    else:
        assert ended.code == 0, ended.err


def test_metadata(project: Path, sounds: Path, run: Run, asked: list[str]) -> None:
    good = [path.relative_to(sounds).as_posix() for path in sounds.rglob("*.wav")]
    table = project / "table.csv"
    table.write_text("path,label\n" + "".join(f"{url},x\n" for url in [*good, *URLS]))
    ended = run("index", sounds, "--metadata", table, "--json")
    assert ended.code == 0, ended.err
    marked = [clip for clip in Index.read(ended.json["path"]).clips if "://" in clip.path]
    assert len(marked) == len(URLS)
    assert all(clip.problems for clip in marked)
    assert not asked


def test_annotations(project: Path, sounds: Path, run: Run, asked: list[str]) -> None:
    table = project / "raven.txt"
    table.write_text(f"Begin Time (s)\tEnd Time (s)\tLabel\tBegin Path\n0\t1\tx\t{URL}\n")
    ended = run("index", sounds, "--metadata", table)
    assert (ended.code, asked) == (3, [])


def test_a_list_on_stdin(
    mfcc_model: Path,
    new: Path,
    run: Run,
    asked: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = [*URLS, str(new / "rain.wav")]
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(names)))
    ended = run("predict", "-", "--model", mfcc_model, "--json")
    assert ended.code == 1
    *refused, rain = ended.json
    assert all("expected" in prediction["error"]["message"] for prediction in refused)
    assert len(refused) == len(URLS)
    assert rain["label"] == "rain"
    assert not asked


def test_labels_of_a_table(indexed: Path, run: Run, asked: list[str]) -> None:
    (indexed / "labels.csv").write_text(f"path,label\n{URL},x\n")
    ended = run("label", "--from", "labels.csv")
    assert (ended.code, asked) == (3, [])


def test_a_report_of_somebody_else(indexed: Path, run: Run, asked: list[str]) -> None:
    assert run("train").code == 0
    assert run("evaluate", "--report", "mine").code == 0
    report = json.loads((indexed / "mine/report.json").read_text())
    report["predictions"][0]["path"] = URL
    (indexed / "theirs.json").write_text(json.dumps(report))
    assert run("evaluate", "mine/report.json", "theirs.json").code in (0, 3)
    assert not asked


def test_a_memo_leads_nowhere(indexed: Path, run: Run, asked: list[str]) -> None:
    from audiotl_cli.journal_lines import append_lines

    line = b"1\t1\t" + b"0" * 64 + b"\t" + URL.encode()
    append_lines(indexed / "data/features/.hashes", [line])
    assert run("extract", "--extractor", "mfcc", "--hop-s", "0.5").code == 0
    assert not asked
