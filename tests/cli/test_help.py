from __future__ import annotations

import re
import subprocess
import sys
import tomllib

import pytest

from audiotl_cli.cli.help_layout import USUAL
from tests.conftest import REPOSITORY, Run

COMMANDS = [
    ["index"],
    ["extract"],
    ["train"],
    ["evaluate"],
    ["predict"],
    ["similar"],
    ["tag"],
    ["label"],
    ["summary"],
    ["demo"],
    ["doctor"],
    ["datasets", "list"],
    ["datasets", "fetch"],
    ["model", "inspect"],
    ["models", "list"],
    ["models", "fetch"],
    ["store", "info"],
    ["store", "verify"],
    ["store", "import"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_says_what_it_does_with_an_example(run: Run, command: list[str]) -> None:
    finished = run(*command, "--help")

    assert finished.code == 0
    assert "Example" in finished.out
    assert f"audiotl {' '.join(command)}" in finished.out


@pytest.mark.parametrize(
    ("command", "default"),
    [
        (["predict"], "[default: the newest model in data/models]"),
        (["train"], "[default: half of this machine's memory]"),
        (["index"], "[default: "),
        (["store", "prune"], "[default: all indexes in data/index]"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_help_shows_defaults(run: Run, command: list[str], default: str) -> None:
    shown = " ".join(run(*command, "--help").out.replace("│", " ").split())

    assert default in shown


@pytest.mark.parametrize(
    "command", [*COMMANDS, ["tune"], ["listen"], ["model", "list"]], ids=" ".join
)
def test_help_has_plain_words_for_types(run: Run, command: list[str]) -> None:
    shown = run(*command, "-h").out

    assert re.findall(r"<[\w\[\] ]+>", shown) == []
    assert "--help" in shown
    assert "-h" in shown


@pytest.mark.parametrize("command", USUAL)
def test_usual_options_come_first(run: Run, command: str) -> None:
    shown = run(*command.split(), "--help").out
    panels = re.split(r"╭─ ", shown)
    options, advanced = (
        next(panel for panel in panels if panel.startswith(name))
        for name in ("Options", "Advanced")
    )

    assert re.findall(r"^│ --([\w-]+)", options, re.MULTILINE) == USUAL[command].split()
    assert len(re.findall(r"^│ --", advanced, re.MULTILINE)) > 0
    assert shown.index("╭─ Options") < shown.index("╭─ Advanced") < shown.index("╭─ Common")


def test_help_keeps_the_names_of_arguments(run: Run) -> None:
    assert "audiotl index [OPTIONS] [SOURCE]" in run("index", "--help").out
    assert "[MODEL]..." in run("evaluate", "--help").out


@pytest.mark.parametrize("args", [["--help"], ["--version"], ["predict", "--help"]], ids=" ".join)
def test_help_loads_nothing_heavy(args: list[str]) -> None:
    script = (
        "import sys\n"
        "from audiotl_cli.cli.main import main\n"
        f"try:\n    main({args!r})\n"
        "except SystemExit:\n    pass\n"
        "heavy = {'numpy', 'scipy', 'sklearn', 'tensorflow', 'matplotlib', 'soundfile', 'joblib'}\n"
        "heavy |= {'fsspec', 's3fs'}\n"
        "print('LOADED', sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=REPOSITORY
    )

    assert done.stdout.splitlines()[-1] == "LOADED []"


def test_the_installed_program_is_the_tested_entry_point() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]

    assert project["scripts"] == {"audiotl": "audiotl_cli.cli.main:main"}


def test_version_is_printed(run: Run) -> None:
    from audiotl_cli import __version__

    assert run("--version").out == f"audiotl {__version__}\n"


def test_wrong_usage_exits_with_2(run: Run) -> None:
    finished = run("extract", "--no-such-option")

    assert finished.code == 2
    assert finished.out == ""
    assert "--no-such-option" in finished.err


def test_unknown_command_exits_with_2(run: Run) -> None:
    assert run("extrakt").code == 2
