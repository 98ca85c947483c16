"""Options that several commands share."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from audiotl_cli.cli import output, settings
from audiotl_cli.errors import UsageError
from audiotl_cli.storage.paths import AnyPath, any_path, local_path

if TYPE_CHECKING:
    from audiotl_cli.classifiers.trials import Runner
    from audiotl_cli.dataset.index import Index
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
        "--index",
        parser=path,
        help="Index file, or a part of its name in data/index.  [default: the newest file in "
        "data/index]",
    ),
    settings.INSIDE,
]
AudioRoot = Annotated[
    str | None,
    typer.Option(
        "--audio-root",
        parser=address,
        metavar="FOLDER|URL",
        help="Folder of the recordings, if they were moved since the index was written.  "
        "[default: as the index says]",
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
ModelName = Annotated[
    Path | None,
    typer.Option(
        "--model",
        "-m",
        parser=path,
        help="Model file, or a part of its name in data/models, such as svm.  [default: the "
        "newest model in data/models]",
    ),
    settings.INSIDE,
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
    path = choose_index(given)
    output.note(f"Index {path}")
    return path


def choose_index(given: Path | None) -> Path:
    """Return the index that ``--index`` names, or the newest."""
    return project().find_index(given) if given else project().newest_index()


def choose_model(given: Path | None) -> Path:
    """Return the model that ``--model`` names, or the newest; say which it is, and of how many."""
    from audiotl_cli.experiments.leaderboard import better_than_newest

    found = project()
    if given:
        path = found.find_model(given)
        output.note(f"Model {path}")
        return path
    path, n_models = found.newest_model(), len(found.models())
    of = f" (newest of {n_models}; choose with --model NAME)" if n_models > 1 else ""
    if better := better_than_newest(found):
        of = (
            f" (newest of {n_models}; the best by {better.metric.replace('_', ' ')} was "
            f"{better.path.stem}: --model {shlex.quote(better.path.stem)})"
        )
    output.note(f"Model {path}{of}")
    return path


def read_index(path: Path, audio_root: str | None) -> Index:
    """Read an index, whose recordings are below ``--audio-root`` if that is given."""
    from audiotl_cli.dataset.audio_root import with_audio_root
    from audiotl_cli.dataset.index import Index

    index = Index.read(path)
    return with_audio_root(index, any_path(audio_root)) if audio_root else index


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
