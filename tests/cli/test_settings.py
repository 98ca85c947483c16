from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Run


@pytest.fixture
def indexed(project: Path, sounds: Path, run: Run) -> Path:
    assert run("index", sounds, "--no-audit").code == 0
    return project


def test_a_settings_file_gives_defaults(indexed: Path, run: Run) -> None:
    (indexed / "audiotl.toml").write_text(
        '[extract]\nextractor = ["mfcc"]\nhop-s = 0.5\nlimit = 2\n'
    )

    finished = run("extract", "--json")

    assert finished.json["n_added"] == 2
    assert Path(finished.json["store"]).name.startswith("mfcc-")


def test_the_environment_outranks_the_file_and_flags_outrank_both(
    indexed: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    (indexed / "audiotl.toml").write_text('[extract]\nextractor = ["mfcc"]\nlimit = 2\n')
    monkeypatch.setenv("AUDIOTL_EXTRACT_LIMIT", "3")
    assert run("extract", "--json").json["n_added"] == 3

    assert run("extract", "--json", "--limit", 4).json["n_added"] == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[extrakt]\nlimit = 1\n", "[extrakt] is not the name of a command"),
        ("[extract]\nlimitt = 1\n", "extract has no option 'limitt'"),
        ("[extract\n", "audiotl.toml cannot be read"),
        ("extract = 3\n", "[extract] is not the name of a command"),
        (
            "[store.imprt]\n",
            "[store.imprt] is not the name of a command; choose from import, info, prune, verify",
        ),
        ("[store.import]\nx = 1\n", "store.import has no option 'x'"),
    ],
)
def test_a_wrong_settings_file_is_explained(
    project: Path, run: Run, text: str, message: str
) -> None:
    (project / "audiotl.toml").write_text(text)

    finished = run("extract")

    assert finished.code == 2
    assert message in finished.err


def test_one_text_is_a_list_of_one(indexed: Path, run: Run) -> None:
    (indexed / "audiotl.toml").write_text('[extract]\nextractor = "mfcc"\nlimit = 2\n')

    assert run("extract", "--json").json["n_added"] == 2


def test_commands_of_commands_have_settings(indexed: Path, run: Run) -> None:
    (indexed / "audiotl.toml").write_text('[extract]\nextractor = "mfcc"\nstore = "elsewhere"\n')
    run("extract")
    (indexed / "audiotl.toml").write_text('[store.info]\nstore = "elsewhere"\n')

    assert run("store", "info", "--json").json[0]["n_clips"] == 24


def test_options_are_called_as_on_the_command_line(indexed: Path, run: Run) -> None:
    (indexed / "audiotl.toml").write_text('[predict]\nformat = "xml"\n')

    finished = run("predict", "x.wav")

    assert finished.code == 2
    assert "--format is 'xml', expected one of" in finished.err


@pytest.mark.parametrize("args", [["--help"], ["extract", "--help"], ["--version"]], ids=" ".join)
def test_a_broken_settings_file_does_not_stand_in_the_way_of_help(
    project: Path, run: Run, args: list[str]
) -> None:
    (project / "audiotl.toml").write_text("[extract\n")

    assert run(*args).code == 0
