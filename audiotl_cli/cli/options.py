"""Options that several commands share."""

from __future__ import annotations

import ast
import logging
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from audiotl_cli.classifiers.names import built_in_names
from audiotl_cli.cli import output, settings
from audiotl_cli.errors import UsageError
from audiotl_cli.storage.paths import AnyPath, any_path, local_path

if TYPE_CHECKING:
    from audiotl_cli.classifiers.trials import Runner
    from audiotl_cli.project import Project


def _set_json(value: bool) -> bool:
    output.state.json = value
    return value


def _set_quiet(value: bool) -> bool:
    output.state.quiet = value
    return value


def _set_debug(value: bool) -> bool:
    output.state.debug = value
    if value:
        output.release_stderr()
        logging.getLogger("audiotl_cli").setLevel(logging.DEBUG)
    return value


def path(text: str) -> Path:
    """Parse an option or argument that names a local file or folder; a URL is wrong usage."""
    return local_path(text)


def address(text: str) -> str:
    """Parse an option that may name a URL, so that a wrong one is known before any work."""
    any_path(text)
    return text


COMMON = "Common"
EXTRACTION = "Extraction"
CLASSIFIER = "Classifier"

Json = Annotated[
    bool,
    typer.Option(
        "--json",
        help="Print one JSON value on stdout and nothing else.",
        callback=_set_json,
        is_eager=True,
        rich_help_panel=COMMON,
    ),
    settings.FREE,
]
Quiet = Annotated[
    bool,
    typer.Option(
        "--quiet",
        "-q",
        help="No progress and no notes.",
        callback=_set_quiet,
        is_eager=True,
        rich_help_panel=COMMON,
    ),
    settings.FREE,
]
Debug = Annotated[
    bool,
    typer.Option(
        "--debug",
        help="Show the traceback of an error.",
        callback=_set_debug,
        is_eager=True,
        rich_help_panel=COMMON,
    ),
    settings.FREE,
]
IndexFile = Annotated[
    Path | None,
    typer.Option("--index", parser=path, help="Index file.  [default: the newest in data/index]"),
    settings.INSIDE,
]
Store = Annotated[
    str | None,
    typer.Option(
        "--store",
        parser=address,
        metavar="FOLDER|URL",
        help="Folder of feature stores, or one store; s3://... is on object storage.  "
        "[default: data/features]",
    ),
    settings.INSIDE,
]
Cluster = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        metavar="ADDRESS",
        help="Work on a Dask cluster (audiotl\\[cluster]): tcp://HOST:8786, tls://HOST:8786, the "
        "scheduler's JSON file, or local\\[N] for N processes here.",
    ),
    settings.TYPED,
]
Extractors = Annotated[
    list[str] | None,
    typer.Option(
        "--extractor",
        help="Whose features to use; repeat to put several side by side.  "
        "[default: the store used last]",
        rich_help_panel=CLASSIFIER,
    ),
    settings.FREE,
]
Classifier = Annotated[
    str,
    typer.Option(
        "--classifier",
        help=f"{', '.join(built_in_names())}, or one of a plug-in.",
        rich_help_panel=CLASSIFIER,
    ),
    settings.FREE,
]
Pooling = Annotated[
    str,
    typer.Option(
        "--pooling",
        help="How frames become clips: mean+std, mean, mean+max, or vote (frames vote).",
        rich_help_panel=CLASSIFIER,
    ),
    settings.FREE,
]
Pca = Annotated[
    int | None,
    typer.Option(
        "--pca",
        help="Dimensions of a whitening PCA before the classifier.",
        rich_help_panel=CLASSIFIER,
    ),
    settings.FREE,
]
Scale = Annotated[
    bool | None,
    typer.Option(
        "--scale/--no-scale",
        help="Standardise features first.  [default: as the classifier needs; always for several "
        "extractors]",
        show_default=False,
        rich_help_panel=CLASSIFIER,
    ),
    settings.FREE,
]
Root = Annotated[
    bool,
    typer.Option(
        "--root",
        help="Take square roots of the features, and scale all of them by one factor instead of "
        "each by its own.",
        rich_help_panel=CLASSIFIER,
    ),
    settings.FREE,
]
Combine = Annotated[
    Literal["concat", "average"],
    typer.Option(
        "--combine",
        help="Several extractors: one classifier of their features side by side, or one each "
        "and the mean of their scores.",
        rich_help_panel=CLASSIFIER,
    ),
    settings.FREE,
]
Balance = Annotated[
    bool,
    typer.Option(
        "--balance",
        help="Let every label weigh the same, however many clips it has.",
        rich_help_panel=CLASSIFIER,
    ),
    settings.FREE,
]
Param = Annotated[
    list[str] | None,
    typer.Option(
        "--param",
        metavar="K=V",
        help="A parameter of the classifier, such as C=0.1; repeatable.",
        rich_help_panel=CLASSIFIER,
    ),
    settings.FREE,
]
Search = Annotated[
    int,
    typer.Option(
        "--search",
        metavar="N",
        min=0,
        help="Try N settings of classifier, pooling and parameters (there are up to 99 an "
        "extractor) by cross-validation among the training clips, and take the simplest that "
        "cannot be told from the best.",
        show_default=False,
        rich_help_panel=CLASSIFIER,
    ),
    settings.FREE,
]
Calibrate = Annotated[
    str | None,
    typer.Option(
        "--calibrate",
        metavar="HOW",
        help="Make probabilities of scores: sigmoid, isotonic or temperature, learnt by "
        "cross-validation among the training clips. It may harm knn; isotonic can cost accuracy.",
        rich_help_panel=CLASSIFIER,
    ),
    settings.FREE,
]
Reject = Annotated[
    float | None,
    typer.Option(
        "--reject",
        metavar="RATE",
        help="Learn to say 'none of these', at the price of rejecting this share of clips that "
        "are, such as 0.05; unreliable with few labels or few clips (see evaluate --open-set).",
        rich_help_panel=CLASSIFIER,
    ),
    settings.FREE,
]
MemoryMb = Annotated[
    int | None,
    typer.Option(
        "--memory-mb",
        min=1,
        help="Megabytes that voting frames may take; more are streamed from the store.  "
        "[default: half of this machine's]",
        show_default=False,
        rich_help_panel=CLASSIFIER,
    ),
    settings.FREE,
]
ModelFile = Annotated[
    Path | None,
    typer.Option(
        "--out", parser=path, help="Model file.  [default: data/models/..., named by what it is]"
    ),
    settings.TYPED,
]
TrustModel = Annotated[
    list[str] | None,
    typer.Option(
        "--trust",
        metavar="sha256:HEX",
        help="Run the program with this SHA-256 that a model's extractor is; see audiotl model "
        "inspect. The model file itself needs no trust.",
    ),
    settings.TYPED,
]
TrustProgram = Annotated[
    list[str] | None,
    typer.Option(
        "--trust",
        metavar="sha256:HEX",
        help="Run the program with this SHA-256 that a store's extractor is; see audiotl store "
        "info.",
    ),
    settings.TYPED,
]
Overwrite = Annotated[
    bool,
    typer.Option(
        "--overwrite", help="Write over files that audiotl did not write, or that were edited."
    ),
    settings.TYPED,
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Same seed, same result."), settings.FREE]
Workers = Annotated[
    int | None,
    typer.Option("--workers", min=1, help="Threads.  [default: one a core]", show_default=False),
    settings.FREE,
]


def project() -> Project:
    """Return the project that commands work on: the current folder."""
    from audiotl_cli.project import Project

    return Project(Path())


def find_index(given: Path | None) -> Path:
    """Return the index that ``--index`` names, or the newest; say which it is."""
    path = given or project().newest_index()
    output.note(f"Index {path}")
    return path


def store_address(store: str | None) -> AnyPath | None:
    """Return the folder of stores, or the store, that ``--store`` names; None without it."""
    return any_path(store) if store else None


def features_root(store: str | None) -> AnyPath:
    """Return the folder of stores, or the store, that ``--store`` names, or the project's."""
    return store_address(store) or project().features_dir


def carry(context: typer.Context, *names: str) -> str:
    """Return those of a command's options that are not at their default, to type again."""
    words: list[str] = []
    for parameter in context.command.params:
        value = context.params.get(parameter.name or "")
        if parameter.name not in names or value in (None, (), [], parameter.default):
            continue
        flag = next(flag for flag in parameter.opts if flag.startswith("--"))
        if isinstance(value, bool):
            words.append(flag if value else parameter.secondary_opts[0])
        else:
            for one in value if isinstance(value, list | tuple) else [value]:
                words += [flag, shlex.quote(str(one))]
    return "".join(f" {word}" for word in words)


def typed(context: typer.Context, *names: str) -> list[str]:
    """Return those of a command's options that stand on the command line."""
    found = []
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        if parameter.name in names and source is not None and source.name == "COMMANDLINE":
            found.append(parameter.opts[0])
    return found


def from_file(context: typer.Context, name: str) -> bool:
    """Return whether the value of an option comes from ``audiotl.toml``."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "DEFAULT_MAP"


def parse_params(items: list[str] | None) -> dict[str, Any]:
    """Turn ``K=V`` into keyword arguments; values are Python literals, or else text."""
    params: dict[str, Any] = {}
    for item in items or []:
        name, separator, text = item.partition("=")
        if not separator or not name.isidentifier():
            raise UsageError(f"--param is {item!r}, expected NAME=VALUE, such as C=0.1")
        try:
            params[name] = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            params[name] = text
    return params


@contextmanager
def fits(cluster: str | None, workers: int | None = None) -> Iterator[Runner]:
    """Give what does fits: threads here, or a cluster."""
    from audiotl_cli.classifiers.trials import threads
    from audiotl_cli.cluster.fits import on_cluster

    if cluster is None:
        yield threads(workers)
        return
    if workers is not None:
        raise UsageError("--workers counts threads of this machine, --cluster has workers")
    with on_cluster(cluster) as run:
        yield run
