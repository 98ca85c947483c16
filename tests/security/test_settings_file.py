"""A settings file may come from a stranger: it runs nothing, connects to and writes nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_type_hints

import pytest
import typer

from audiotl_cli.cli.main import app
from audiotl_cli.cli.settings import FromFile
from tests.conftest import Run

REFUSED = """
    index       out             "sounds/a.wav"
    index       overwrite       true
    index       labels-from     "evil:label"
    index       metadata        "/etc/passwd"
    index       name            "../../other"
    extract     cluster         "tcp://10.0.0.1:8786"
    extract     cluster         "local[4]"
    extract     store           "s3://bucket/features"
    extract     store           "dask://10.0.0.1:8786/x::file:///y"
    extract     store           "/home/other/features"
    extract     index           "../other/data/index/a.csv"
    train       out             "sounds/a.wav"
    train       cluster         "tcp://10.0.0.1:8786"
    tune        out             "sounds/a.wav"
    tune        cluster         "scheduler.json"
    evaluate    report          "/home/other"
    evaluate    cluster         "tcp://10.0.0.1:8786"
    predict     trust           ["sha256:00"]
    predict     model           "/tmp/bird.joblib"
    predict     model           "C:\\\\bird.joblib"
    predict     model           "~/bird.joblib"
    predict     output          "new.csv"
    predict     move-to         "elsewhere"
    predict     copy_to         "elsewhere"
    predict     link-to         "elsewhere"
    predict     watch           "/home"
    predict     format          "audacity"
    predict     format          "raven"
    listen      trust           "sha256:00"
    similar     trust           "sha256:00"
    similar     output          "new.csv"
    label       set             ["a.wav=rain"]
    label       from            "labels.csv"
    label       output          "new.csv"
    model.export trust          "sha256:00"
    model.export output         "new.onnx"
    models.fetch from           "https://example.org/weights"
    store.prune index           "data/index/a.csv"
    store.prune store           "../other/data/features"
    store.import store          "gs://bucket/features"
"""


def lines(table: str) -> list[list[str]]:
    return [line.split(maxsplit=2) for line in table.splitlines() if line.strip()]


@pytest.mark.parametrize(("command", "key", "value"), lines(REFUSED))
def test_dangerous_settings_are_refused(
    project: Path, run: Run, command: str, key: str, value: str
) -> None:
    Path("audiotl.toml").write_text(f"[{command}]\n{key} = {value}\n")
    before = set(project.rglob("*"))

    finished = run("store", "info")

    assert finished.code == 2
    flag = f"--{key.replace('_', '-')}"
    assert f"audiotl.toml: {key} of [{command}] is refused: a settings file" in finished.err
    assert (
        f"give it on the command line: audiotl {command.replace('.', ' ')} {flag}" in finished.err
    )
    assert set(project.rglob("*")) == before


WRONG = """
    predict     model           [["../bird.joblib"]]
    predict     model           {a = 1}
    predict     model           ["a.joblib"]
    predict     model           1979-05-27
    predict     model           3
    index       metadata        true
    index       name            "\\u0000"
    extract     store           "\\u0000"
    extract     store           nan
    extract     extractor       [["mfcc"]]
    train       param           [{C = 1}]
"""


@pytest.mark.parametrize(("command", "key", "value"), lines(WRONG))
def test_values_of_another_kind_are_wrong_usage(
    project: Path, run: Run, command: str, key: str, value: str
) -> None:
    Path("audiotl.toml").write_text(f"[{command}]\n{key} = {value}\n")

    finished = run("store", "info")

    assert finished.code == 2
    assert f"audiotl.toml: {key} of [{command}] is " in finished.err
    assert " text" in finished.err


@pytest.mark.parametrize("text", [".".join("a" * 30_000) + " = 1", "# more\n" * 20_000])
def test_settings_without_end_are_refused_at_once(project: Path, run: Run, text: str) -> None:
    Path("audiotl.toml").write_text(text)
    start = time.process_time()

    finished = run("store", "info")

    assert finished.code == 2
    assert "audiotl.toml cannot be read" in finished.err
    assert time.process_time() - start < 5


@pytest.mark.parametrize("argument", ["index.source", "predict.inputs", "models.fetch.name"])
def test_what_a_command_works_on_is_typed(project: Path, run: Run, argument: str) -> None:
    command, _, name = argument.rpartition(".")
    Path("audiotl.toml").write_text(f'[{command}]\n{name} = "x"\n')

    finished = run("store", "info")

    assert finished.code == 2
    assert f"has no option {name!r}" in finished.err


def test_the_environment_is_the_users_own(
    project: Path, run: Run, sounds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUDIOTL_INDEX_OUT", "mine.csv")

    assert run("index", sounds, "--no-audit").code == 0
    assert Path("mine.csv").is_file()


def test_harmless_settings_stay(project: Path, run: Run, sounds: Path) -> None:
    Path("audiotl.toml").write_text(
        '[index]\nlabels-from = "folder"\nname = "mine"\nno-audit = true\n'
        '[extract]\nextractor = "mfcc"\nindex = "data/index/mine.csv"\nstore = "kept/here"\n'
        '[predict]\nformat = "csv"\nmodel = "data/models/mine.joblib"\n'
    )

    assert run("index", sounds).code == 0
    assert run("extract").code == 0
    assert Path("kept/here").is_dir()


def test_a_settings_file_that_is_none_is_told(project: Path, run: Run) -> None:
    Path("audiotl.toml").mkdir()

    finished = run("store", "info")

    assert finished.code == 2
    assert "audiotl.toml cannot be read (it is " in finished.err


def options_of(group: Any, above: str = "audiotl") -> Iterator[tuple[str, object]]:
    """Yield every option of every command, and the annotation it was declared with."""
    for name, command in group.commands.items():
        full = f"{above} {name}"
        if hasattr(command, "commands"):
            yield from options_of(command, full)
            continue
        hints = get_type_hints(command.callback, include_extras=True)
        for parameter in command.params:
            if parameter.opts[0].startswith("-"):
                yield f"{full} {parameter.opts[0]}", hints[parameter.name]


def test_every_option_says_whether_a_file_may_set_it() -> None:
    found = dict(options_of(typer.main.get_command(app)))

    assert len(found) > 150
    silent = [
        option
        for option, declared in found.items()
        if not any(isinstance(note, FromFile) for note in getattr(declared, "__metadata__", ()))
    ]
    assert not silent
