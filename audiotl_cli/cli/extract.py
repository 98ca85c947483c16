"""``audiotl extract``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from audiotl_cli.cli import options, output, settings
from audiotl_cli.cli.choose_network import (
    AUTO,
    compared_network,
    network_of_project,
    show_choice,
)
from audiotl_cli.cli.pace import duration
from audiotl_cli.cli.spread import spread
from audiotl_cli.extractor_config import ExtractorConfig
from audiotl_cli.text import counted

if TYPE_CHECKING:
    from audiotl_cli.extractors.base import Extractor
    from audiotl_cli.workflows.extract import ExtractReport

EXAMPLES = (
    "Examples:  audiotl extract   |   audiotl extract --extractor auto   |   "
    "audiotl extract --extractor mfcc --hop-s 0.5"
)


@spread
def extract(
    context: typer.Context,
    config: ExtractorConfig,
    index: options.IndexFile = None,
    audio_root: options.AudioRoot = None,
    extractor: Annotated[
        list[str] | None,
        typer.Option(
            help="Extractor, or onnx:FILE, tflite:FILE or savedmodel:FOLDER for your own; repeat "
            "for several. auto compares networks on 50 clips and takes the best.  [default: the "
            "one that auto chose for the project]",
            rich_help_panel=options.EXTRACTION,
        ),
        settings.FREE,
    ] = None,
    store: options.Store = None,
    workers: options.Workers = None,
    batch_size: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Number of windows per batch.  [default: the network's best]",
            show_default=False,
        ),
        settings.FREE,
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(min=1, help="Use only this number of clips, the first of the index."),
        settings.FREE,
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Stop at the first failure."), settings.FREE
    ] = False,
    max_error_rate: Annotated[
        float | None,
        typer.Option(
            min=0.0, max=1.0, help="Stop when more than this share of the clips has failed."
        ),
        settings.FREE,
    ] = None,
    cluster: options.Cluster = None,
    accept_licence: options.AcceptLicence = False,
) -> None:
    """Embed every clip of an index that is not in the store yet."""
    from audiotl_cli.extraction import ExtractOptions
    from audiotl_cli.extractors.trusted import load_named
    from audiotl_cli.inference.same_extractor import chosen_extractor
    from audiotl_cli.workflows.extract import extract_features
    from audiotl_cli.workflows.models import accept_licence as accept

    chosen = ExtractOptions(
        options.store_address(store), workers, batch_size, limit, strict, max_error_rate, cluster
    )
    chosen.check()
    typed = not options.from_file(context, "extractor")
    named = [name for name in extractor or [] if name != AUTO]

    def load(name: str) -> Extractor:
        if name in named:
            return chosen_extractor(replace(config, name=name), typed=typed)
        return load_named(replace(config, name=name), str(options.project().network_file))

    # all of them before the first is used: a wrong name ends the run at once
    networks = [load(name) for name in named]
    for network in networks if accept_licence else ():
        if network.weights_files():
            accept(network.name)
    path = options.choose_index(index)
    clips = options.read_index(path, audio_root)
    output.note(f"Index {path}: {counted(len(clips.clips), 'clip')}")
    choice = None
    if AUTO in (extractor or ()):
        choice = compared_network(clips, load, chosen, named)
    elif not named:
        choice = network_of_project(clips, load, chosen, with_layer=config.layer is not None)
    if choice is not None:
        networks = [load(choice.extractor)]
    reports = []
    for network in networks:
        with output.progress(f"Embedding with {network.config.name}") as update:
            report = extract_features(options.project(), clips, network, chosen, on_clip=update)
        output.failures([(failure.path, failure.message) for failure in report.failures])
        for text in report.warnings:
            output.warn(text)
        if report.note:
            output.note(report.note)
        reports.append(report)
    values = [_value(report) for report in reports]
    if choice is not None:
        values[0]["choice"] = choice.to_dict()

    def show() -> None:
        if choice is not None and AUTO in (extractor or ()):
            show_choice(choice, named)
        for report in reports:
            _show(report)

    output.result(values[0] if len(values) == 1 else values, show)
    output.next_command(f"audiotl train{options.carry(context, 'index', 'audio_root', 'store')}")
    if any(report.failures for report in reports):
        raise typer.Exit(1)


def _value(report: ExtractReport) -> dict[str, object]:
    return {
        "store": str(report.store.folder),
        "fingerprint": report.store.fingerprint,
        "weights": report.extractor.weights,
        "n_added": report.n_added,
        "n_skipped": report.n_skipped,
        "n_failed": len(report.failures),
        "failures": [vars(failure) for failure in report.failures],
        "inaudible": report.inaudible,
        "audio_s": round(report.audio_s, 3),
        "wall_s": round(report.wall_s, 3),
    }


def _show(report: ExtractReport) -> None:
    added = counted(report.n_added, "clip")
    text = f"{report.store.folder}: {added} added, {report.n_skipped} already there"
    if report.failures:
        text += f", {len(report.failures)} failed"
    output.line(text, style="bold")
    output.warnings([report.extractor.warning])
    if report.n_added:
        speed = report.audio_s / max(report.wall_s, 1e-3)
        output.line(
            f"{duration(report.audio_s)} of audio in {duration(report.wall_s)}, "
            f"{speed:.0f}x real time"
        )
