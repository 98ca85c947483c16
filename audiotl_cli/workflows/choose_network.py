"""Choose the network that suits the clips of an index."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from audiotl_cli.dataset.index import Clip, Index
from audiotl_cli.errors import DataError, FetchError, UsageError
from audiotl_cli.experiments.network_choice import (
    NetworkChoice,
    choose_by_score,
    order_by_rule,
)
from audiotl_cli.experiments.network_probe import SEED, Probe, clips_to_probe, probe
from audiotl_cli.experiments.sections import index_name
from audiotl_cli.extraction import ExtractOptions, OnClip
from audiotl_cli.extractors.base import Extractor
from audiotl_cli.extractors.candidates import CANDIDATES, Availability
from audiotl_cli.project import Project
from audiotl_cli.store.store import FeatureStore
from audiotl_cli.stored_clips import clip_keys
from audiotl_cli.workflows.extract import extract_features

Load = Callable[[str], Extractor]
"""Returns an extractor with the settings of the command; `UsageError` where it has none of them."""

OnNetwork = Callable[[str], OnClip]
"""Called with the name of a network before clips are embedded with it."""


@dataclass(frozen=True)
class _Tried:
    store: FeatureStore
    s_per_clip: float | None


def choose_network(
    project: Project,
    index: Index,
    load: Load,
    options: ExtractOptions,
    named: Sequence[str] = (),
    on_network: OnNetwork = lambda name: lambda done, total, audio_s: None,
) -> NetworkChoice:
    """Compare the free networks on a few training clips, or follow a rule where that cannot be.

    The features of these clips stay in the stores.

    Parameters
    ----------
    project : Project
    index : Index
    load : callable
    options : ExtractOptions
    named : sequence of str
        Networks that take part beside those of `CANDIDATES`.
    on_network : callable

    Raises
    ------
    WeightsError
        None of the networks with weights can be had.
    LicenceError
        The licence of a network in `named` must be accepted first.
    """
    clips = index.clips[: options.limit]
    available, order = Availability(named), list(dict.fromkeys([*CANDIDATES, *named]))
    try:
        part = replace(index, clips=clips_to_probe(clips, SEED))
        ready = _usable(order, load, available)
        tried = [_try(project, part, load(name), options, on_network(name)) for name in ready]
        probes = _compare(project, part, tried)
        return choose_by_score(probes, index_name(index), available.left_out)
    except DataError as error:
        order, reason = order_by_rule(clips, order)
        name = _usable(order, load, available, n_most=1)[0]
        return NetworkChoice(name, f"{reason}; {error}", index_name(index), (), available.left_out)


def _usable(
    order: Sequence[str], load: Load, available: Availability, n_most: int | None = None
) -> list[str]:
    """Return the first networks that can be used; not the baseline alone, which has no weights."""
    found: list[str] = []
    for name in order:
        try:
            load(name)
        except UsageError as error:
            if n_most is not None:  # nothing is compared, so that the options would choose
                raise UsageError(f"{error}; name a network with --extractor") from error
            available.errors[name] = error
            continue
        if available.is_ready(name):
            found.append(name)
        if len(found) == n_most:
            break
    errors = list(available.errors.values())
    unreachable = [error for error in errors if isinstance(error, FetchError)]
    if not found or (found == ["mfcc"] and unreachable):
        raise (unreachable or errors)[-1]
    return found


def _try(
    project: Project, part: Index, extractor: Extractor, options: ExtractOptions, on_clip: OnClip
) -> _Tried:
    options = replace(options, cluster=None, limit=None, strict=False, max_error_rate=None)
    extractor.prepare()  # not part of the seconds a clip
    report = extract_features(project, part, extractor, options, on_clip=on_clip)
    n_added = report.n_added
    return _Tried(report.store, report.wall_s / n_added if n_added else None)


def _compare(project: Project, part: Index, tried: Sequence[_Tried]) -> list[Probe]:
    """Return what each network scores on the clips that all could embed."""
    keys = clip_keys(part, project.open_memo(tried[0].store.folder))
    held = set.intersection(*(one.store.keys() for one in tried))
    keyed: list[tuple[Clip, str]] = [
        (clip, key)
        for clip, key in zip(part.clips, keys, strict=True)
        if isinstance(key, str) and key in held
    ]
    return [probe(one.store, keyed, SEED, one.s_per_clip) for one in tried]
