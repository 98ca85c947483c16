"""Which files of weights somebody means by a name, or by a file that is handed over."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from audiotl_cli.errors import UsageError
from audiotl_cli.extractors.base import Extractor
from audiotl_cli.extractors.registry import extractor_class, list_extractors
from audiotl_cli.extractors.weights import PublishedFile, WeightSource
from audiotl_cli.network import without_secrets
from audiotl_cli.spelling import did_you_mean


def resolve(name: str) -> tuple[type[Extractor], WeightSource | None]:
    """Return the extractor of a name, and the file where the name is a file's alone.

    Raises
    ------
    UsageError
        Neither an extractor nor a file is called so.
    """
    extractors = list_extractors()
    if name in extractors:
        return extractor_class(name), None
    names = []
    for kind in map(extractor_class, extractors):
        for source in kind.weights_files():
            if name in (source.name, _file_name(source)):
                return kind, source
            names.append(source.name)
    files = [file for file in names if file not in extractors]
    raise UsageError(
        f"no extractor or file of weights is called {name!r}; choose from "
        f"{', '.join(extractors)}, or from the files {', '.join(files)}"
        f"{did_you_mean(name, [*extractors, *files])}"
    )


def wanted(name: str, given: str | None) -> tuple[WeightSource, ...]:
    """Return the files that a name stands for; of a file that is given, the one it must be."""
    kind, source = resolve(name)
    if source is not None:
        return (source,)
    if given is None:
        return kind.weights_files(kind.default_layer)
    return (_recognise(kind, given),)


def _recognise(kind: type[Extractor], given: str) -> WeightSource:
    """Tell which of an extractor's files is handed over, from its name."""
    sources = kind.weights_files()
    if not sources:
        raise UsageError(f"{kind.name} has no weights")
    given_name = Path(urlsplit(given).path).name
    matching = [source for source in sources if _file_name(source) == given_name]
    matching += [source for source in sources if source.name == kind.name]
    # as in openl3-mel128_music: what comes after the extractor's name
    parts = {source.name.removeprefix(f"{kind.name}-"): source for source in sources}
    matching += [source for part, source in parts.items() if part in given_name]
    if len(sources) == 1 or matching:
        return (matching or list(sources))[0]
    shown = without_secrets(given)
    raise UsageError(
        f"{shown} could be any of {kind.name}'s files; name it with: audiotl models fetch "
        f"FILE --from {shown}, where FILE is one of {', '.join(source.name for source in sources)}"
    )


def _file_name(source: WeightSource) -> str:
    return source.path.name if isinstance(source, PublishedFile) else ""
