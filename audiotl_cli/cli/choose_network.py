"""Choose the network of ``audiotl extract`` where none is named, or ``auto`` is."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from audiotl_cli.cli import options, output

if TYPE_CHECKING:
    from audiotl_cli.dataset.index import Index
    from audiotl_cli.experiments.network_choice import NetworkChoice
    from audiotl_cli.extraction import ExtractOptions, OnClip
    from audiotl_cli.workflows.choose_network import Load

AUTO = "auto"


def network_of_project(
    index: Index, load: Load, chosen: ExtractOptions, *, with_layer: bool
) -> NetworkChoice:
    """Return the network where none is named: the project's, else one that is chosen now.

    Parameters
    ----------
    index : Index
    load : callable
    chosen : ExtractOptions
    with_layer : bool
        Whether a layer is named: then nothing is compared.
    """
    from audiotl_cli.workflows.project_network import kept_network

    project = options.project()
    kept = kept_network(project, index, chosen, with_layer=with_layer)
    if kept is not None:
        if kept.note:
            output.note(kept.note)
        return kept
    choice = _choose(index, load, chosen, ())
    is_kept = _remember(choice)
    place = f". Kept for this project in {options.project().network_file}" if is_kept else ""
    output.note(f"Network {choice.extractor}: {choice.reason}{place}", style=None)
    if choice.left_out:
        reasons = "; ".join(f"{name} ({why})" for name, why in choice.left_out.items())
        again = "To compare again later: audiotl extract --extractor auto"
        text = f"Could not be compared: {reasons}. {again}"
        output.note(text, style=None)
    return choice


def compared_network(
    index: Index, load: Load, chosen: ExtractOptions, named: Sequence[str]
) -> NetworkChoice:
    """Return the network for ``--extractor auto``, which is always chosen anew."""
    choice = _choose(index, load, chosen, named)
    _remember(choice)
    return choice


def show_choice(choice: NetworkChoice, named: Sequence[str]) -> None:
    """Print what was compared, and why the network was chosen."""
    from audiotl_cli.extractors.candidates import not_considered

    if choice.probes:
        numbers = ("balanced accuracy", "95 % interval", "s a clip")
        grid = output.table("network", *numbers, numbers=numbers)
        for probe in choice.probes:
            low, high = probe.interval
            seconds = "" if probe.s_per_clip is None else f"{probe.s_per_clip:.3f}"
            grid.add_row(probe.extractor, f"{probe.score:.2f}", f"{low:.2f} to {high:.2f}", seconds)
        output.show(grid)
    output.line(f"{choice.extractor}: {choice.reason}", style="bold")
    for name, why in choice.left_out.items():
        output.line(f"{name} could not be compared: {why}", style="yellow")
    by_reason: dict[str, list[str]] = {}
    for name, why in not_considered(named).items():
        by_reason.setdefault(why, []).append(name)
    for why, names in by_reason.items():
        output.line(f"Not compared unless named: {', '.join(names)} ({why})", style="dim")
    output.line("Name one with: audiotl extract --extractor auto --extractor NAME", style="dim")


def recommend(index: Index) -> None:
    """Print what ``audiotl extract`` will choose by, where it can compare networks."""
    from audiotl_cli.errors import DataError
    from audiotl_cli.workflows.project_network import recommendation

    try:
        text = recommendation(options.project(), index)
    except DataError:  # reported where it matters
        return
    if text and not output.state.json:
        output.note(text, style=None)


def _choose(
    index: Index, load: Load, chosen: ExtractOptions, named: Sequence[str]
) -> NetworkChoice:
    from audiotl_cli.workflows.choose_network import choose_network

    with ExitStack() as shown:

        def on_network(name: str) -> OnClip:
            shown.close()  # the line of the network before
            return shown.enter_context(output.progress(f"Comparing networks: {name}"))

        return choose_network(options.project(), index, load, chosen, named, on_network)


def _remember(choice: NetworkChoice) -> bool:
    from audiotl_cli.workflows.project_network import remember

    problem = remember(options.project(), choice)
    if problem:
        output.warn(f"The choice of {choice.extractor} is not remembered: {problem}")
    return not problem
