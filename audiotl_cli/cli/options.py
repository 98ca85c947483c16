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
    """Parse an option or argument that names a local file or folder; reject URLs."""
    return local_path(text)


def address(text: str) -> str:
    """Parse an option that may be a URL, so that an invalid URL is reported before any work."""
    any_path(text)
    return text


COMMON = "Common"
EXTRACTION = "Extraction"
CLASSIFIER = "Classifier"

Json = Annotated[
    bool,
    typer.Option(
        "--json",
        help="Print a single JSON value on stdout and nothing else.",
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
        help="Hide progress and notes.",
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
    typer.Option(
        "--index", parser=path, help="Index file.  [default: the newest file in data/index]"
    ),
    settings.INSIDE,
]
Store = Annotated[
    str | None,
    typer.Option(
        "--store",
        parser=address,
        metavar="FOLDER|URL",
        help="Folder of feature stores, or a single store, on disk or on object storage "
        "(s3://...).  "
        "[default: data/features]",
    ),
    settings.INSIDE,
]
Cluster = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        metavar="ADDRESS",
        help="Run on a Dask cluster (needs audiotl\\[cluster]): tcp://HOST:8786, "
        "tls://HOST:8786, the scheduler's JSON file, or local\\[N] for N processes on this "
        "machine.",
    ),
    settings.TYPED,
]
AcceptLicence = Annotated[
    bool,
    typer.Option(
        "--accept-licence",
        help="Accept the licence of the network, where that is needed (birdnet).",
    ),
    settings.TYPED,
]
Extractors = Annotated[
    list[str] | None,
    typer.Option(
        "--extractor",
        help="Extractor whose features to use; repeat to combine several.  [default: that of "
        "the store used last]",
        rich_help_panel=CLASSIFIER,
    ),
    settings.FREE,
]
Classifier = Annotated[
    str,
    typer.Option(
        "--classifier",
        help=f"Classifier to train: {', '.join(built_in_names())}, or the name of a plug-in.",
        rich_help_panel=CLASSIFIER,
    ),
    settings.FREE,
]
Pooling = Annotated[
    str,
    typer.Option(
        "--pooling",
        help="How to turn the frames of a clip into one vector: mean+std, mean or mean+max; or "
        "vote, to classify every frame and average the results.",
        rich_help_panel=CLASSIFIER,
    ),
    settings.FREE,
]
Pca = Annotated[
    int | None,
    typer.Option(
        "--pca",
        help="Reduce the features to this number of whitened principal components before the "
        "classifier.  [default: no PCA]",
        rich_help_panel=CLASSIFIER,
    ),
    settings.FREE,
]
Scale = Annotated[
    bool | None,
    typer.Option(
        "--scale/--no-scale",
        help="Standardise the features first.  [default: depends on the classifier; always "
        "with several extractors]",
        show_default=False,
        rich_help_panel=CLASSIFIER,
    ),
    settings.FREE,
]
Root = Annotated[
    bool,
    typer.Option(
        "--root",
        help="Use square roots of the features, and scale all of them by a single factor "
        "instead of scaling each one separately.",
        rich_help_panel=CLASSIFIER,
    ),
    settings.FREE,
]
Combine = Annotated[
    Literal["concat", "average"],
    typer.Option(
        "--combine",
        help="How to combine several extractors: concat trains one classifier on their "
        "concatenated features; average trains one classifier per extractor and averages their "
        "scores.",
        rich_help_panel=CLASSIFIER,
    ),
    settings.FREE,
]
Balance = Annotated[
    bool,
    typer.Option(
        "--balance",
        help="Give every label the same weight, however many clips it has.",
        rich_help_panel=CLASSIFIER,
    ),
    settings.FREE,
]
Param = Annotated[
    list[str] | None,
    typer.Option(
        "--param",
        metavar="K=V",
        help="Parameter of the classifier, such as C=0.1; repeat for several.",
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
        help="Try N settings of classifier, pooling and parameters (up to 99 per extractor) by "
        "cross-validation on the training clips, and choose the simplest setting statistically "
        "tied with the best.  [default: 0]",
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
        help="Turn scores into probabilities by sigmoid, isotonic or temperature scaling, "
        "fitted by cross-validation on the training clips. Calibration may make knn worse, and "
        "isotonic may lower the accuracy.  [default: no calibration]",
        rich_help_panel=CLASSIFIER,
    ),
    settings.FREE,
]
Reject = Annotated[
    float | None,
    typer.Option(
        "--reject",
        metavar="RATE",
        help="Learn to reject recordings that have none of the labels. RATE, such as 0.05, is "
        "the share of clips with a known label that may be rejected as well. Rejection is "
        "unreliable with few labels or clips; evaluate --open-set measures it.  [default: no "
        "rejection]",
        rich_help_panel=CLASSIFIER,
    ),
    settings.FREE,
]
MemoryMb = Annotated[
    int | None,
    typer.Option(
        "--memory-mb",
        min=1,
        help="Most memory for the frames of --pooling vote, in MB; beyond that, frames are "
        "streamed from the store.  [default: half of this machine's memory]",
        show_default=False,
        rich_help_panel=CLASSIFIER,
    ),
    settings.FREE,
]
ModelFile = Annotated[
    Path | None,
    typer.Option(
        "--out",
        parser=path,
        help="Model file to write.  [default: in data/models, named after the index and "
        "the options]",
    ),
    settings.TYPED,
]
TrustModel = Annotated[
    list[str] | None,
    typer.Option(
        "--trust",
        metavar="sha256:HEX",
        help="Allow the model's extractor program with this SHA-256 to run; audiotl model "
        "inspect shows it. The model file itself needs no trust.",
    ),
    settings.TYPED,
]
TrustProgram = Annotated[
    list[str] | None,
    typer.Option(
        "--trust",
        metavar="sha256:HEX",
        help="Allow the store's extractor program with this SHA-256 to run; audiotl store info "
        "shows it.",
    ),
    settings.TYPED,
]
Overwrite = Annotated[
    bool,
    typer.Option(
        "--overwrite",
        help="Also overwrite files that audiotl did not write or that were edited since.",
    ),
    settings.TYPED,
]
Seed = Annotated[
    int,
    typer.Option(
        "--seed", min=0, help="Seed of the random numbers; the same seed gives the same result."
    ),
    settings.FREE,
]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers", min=1, help="Number of threads.  [default: one per core]", show_default=False
    ),
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
    """Return a command's non-default options, to repeat in the next command."""
    words: list[str] = []
    for parameter in context.command.params:
        value = context.params.get(parameter.name or "")
        if parameter.name not in names or value in (None, (), [], parameter.default):
            continue
        flag = next(flag for flag in parameter.opts if flag.startswith("--"))
        if isinstance(value, bool):
            words.append(flag if value else parameter.secondary_opts[0])
        else:
            for item in value if isinstance(value, list | tuple) else [value]:
                words += [flag, shlex.quote(str(item))]
    return "".join(f" {word}" for word in words)


def typed(context: typer.Context, *names: str) -> list[str]:
    """Return the options of a command that were given on the command line."""
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
    """Turn ``K=V`` into keyword arguments; a value that is no Python literal is taken as text."""
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
    """Yield a runner for training jobs: local threads or a cluster."""
    from audiotl_cli.classifiers.trials import threads
    from audiotl_cli.cluster.fits import on_cluster

    if cluster is None:
        yield threads(workers)
        return
    if workers is not None:
        raise UsageError(
            "--workers and --cluster cannot be combined: a cluster has its own number of workers"
        )
    with on_cluster(cluster) as run:
        yield run
