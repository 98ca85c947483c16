"""The network that a project has, and what is remembered of why."""

from __future__ import annotations

from dataclasses import replace

from audiotl_cli.dataset.index import Index
from audiotl_cli.errors import UsageError
from audiotl_cli.experiments.network_choice import NetworkChoice, remembered
from audiotl_cli.experiments.network_probe import MOST_CLIPS, SEED, clips_to_probe
from audiotl_cli.experiments.sections import index_name
from audiotl_cli.extraction import ExtractOptions
from audiotl_cli.project import Project
from audiotl_cli.store.find import is_store
from audiotl_cli.store.store import FeatureStore, open_stores
from audiotl_cli.stored_clips import clip_keys
from audiotl_cli.written import WrittenFiles

FORMER_DEFAULT = "musicnn"
"""Taken where a project has its features already, or a layer is named and no network."""

ANEW = "audiotl extract --extractor auto"


def kept_network(
    project: Project, index: Index, options: ExtractOptions, *, with_layer: bool = False
) -> NetworkChoice | None:
    """Return the network that a project has already; None where it has none.

    It is that of the only store that was named; the one that is remembered; or the former
    default, where a layer is named, or where there are more features of it than a comparison
    makes.

    Parameters
    ----------
    project : Project
    index : Index
    options : ExtractOptions
    with_layer : bool
        Whether a layer is named.

    Raises
    ------
    DataError
        The file that remembers it is damaged.
    """
    root, name = options.store or project.features_dir, index_name(index)
    if is_store(root):
        return NetworkChoice(FeatureStore(root).extractor, "the store is of it", name)
    if (choice := remembered(project.network_file)) is not None:
        if choice.index == name:
            return choice
        note = f"Network {choice.extractor}, chosen for {choice.index}; for these clips: {ANEW}"
        return replace(choice, note=note)
    if with_layer:
        return NetworkChoice(FORMER_DEFAULT, "a layer is named", name)
    stores = [store for store in open_stores(root) if store.extractor == FORMER_DEFAULT]
    keys = clip_keys(index, project.open_memo(root)) if stores else []
    known = {key for key in keys if isinstance(key, str)}
    if all(len(known & store.keys()) <= MOST_CLIPS for store in stores):
        return None
    reason = "the project has its features of these clips"
    note = f"Network {FORMER_DEFAULT}: {reason}. To compare it with others: {ANEW}"
    return NetworkChoice(FORMER_DEFAULT, reason, name, note=note)


def recommendation(project: Project, index: Index) -> str:
    """Return how a network for an index is best chosen; empty where there is nothing to say.

    Raises
    ------
    DataError
        Networks cannot be compared on its clips, or the file of the project is damaged.
    """
    n_clips = len(clips_to_probe(index.clips, SEED))
    kept = kept_network(project, index, ExtractOptions())
    if kept is None:
        return f"audiotl extract compares networks on {n_clips} of these clips, and takes the best"
    return kept.note


def remember(project: Project, choice: NetworkChoice) -> str:
    """Write the choice into the project; return why that cannot be, empty if it is done."""
    path, data = project.network_file, choice.to_json()
    try:
        WrittenFiles().write(path, data)
    except UsageError:
        return f"{path} was edited and is kept; delete it to let another network be remembered"
    except OSError as error:
        return f"{path} cannot be written ({error.strerror or error})"
    return ""
