"""The documents name files, functions and links that exist."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "audiotl_cli"
FOLDERS = ("audiotl_cli", "benchmarks", "deploy", "docs", "examples", "tests")
DOCUMENTS = sorted(
    [
        *(ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")),
        *(ROOT / "docs").glob("*.md"),
        *(ROOT / "docs" / "adr").glob("*.md"),
    ]
)
PLACEHOLDER = "NAME"
NAMES_WIDTH = 38
"""Columns of the drawing of rooms that hold their names; the rest describes them."""

SPAN = re.compile(r"`([^`\s]+)`")
FILE_AND_NAMES = re.compile(r"`([\w./-]+\.py)`\s+\(((?:`[\w.]+`(?:,\s+)?)+)\)")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")

documents = pytest.mark.parametrize(
    "document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix()
)


def prose(document: Path) -> str:
    """Return the text of a document without its blocks of code."""
    return re.sub(r"^```.*?^```", "", document.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)


def looks_like_source(path: str) -> bool:
    """Return whether a name is meant as a file or folder of the repository."""
    if not re.fullmatch(r"[\w./-]+", path) or path.startswith(("/", ".")):
        return False
    first, _, rest = path.partition("/")
    is_inside = bool(rest) and ((PACKAGE / first).is_dir() or first in FOLDERS)
    return path.endswith(".py") or (is_inside and (path.endswith("/") or "." in rest))


def find(path: str) -> Path | None:
    """Return the file or folder that a document names, or None."""
    named = Path(path)
    if PLACEHOLDER in named.stem:
        named = named.parent
    candidates = [PACKAGE / named, *([ROOT / named] if named.parts[0] in FOLDERS else [])]
    return next((place for place in candidates if place.exists()), None)


def anchors(document: Path) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a document."""
    headings = re.findall(r"^#+ (.+)$", prose(document), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@documents
def test_files_of_the_package_exist(document: Path) -> None:
    named = {path for path in SPAN.findall(prose(document)) if looks_like_source(path)}
    assert sorted(path for path in named if find(path) is None) == []


@documents
def test_names_behind_a_file_are_defined_in_it(document: Path) -> None:
    undefined = []
    for path, names in FILE_AND_NAMES.findall(prose(document)):
        file = find(path)
        source = "" if file is None or file.is_dir() else file.read_text("utf-8")
        for name in SPAN.findall(names):
            for part in name.split("."):
                if not re.search(rf"^\s*(?:(?:def|class) {part}\b|{part}\s*[:=])", source, re.M):
                    undefined.append(f"{path}: {name}")
    assert undefined == []


@documents
def test_links_lead_somewhere(document: Path) -> None:
    broken = []
    for link in LINK.findall(prose(document)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = document.parent / path if path else document
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def test_every_decision_is_listed_in_the_architecture() -> None:
    linked = LINK.findall(prose(ROOT / "docs" / "ARCHITECTURE.md"))
    adrs = {f"adr/{path.name}" for path in (ROOT / "docs" / "adr").glob("*.md")}
    assert adrs - set(linked) == set()


def test_the_rooms_drawn_are_the_layers_that_are_checked() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    layers = next(
        contract["layers"]
        for contract in settings["tool"]["importlinter"]["contracts"]
        if contract["type"] == "layers"
    )
    text = (ROOT / "docs" / "ARCHITECTURE.md").read_text("utf-8")
    drawing = text.partition("## Rooms")[2].split("```")[1]
    left = "\n".join(line[:NAMES_WIDTH] for line in drawing.splitlines())
    levels = [set(re.findall(r"\w+", level)) for level in left.split("↓")]
    assert levels == [set(re.findall(r"\w+", layer)) for layer in layers]
