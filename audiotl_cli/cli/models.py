"""``audiotl models``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from audiotl_cli.cli import options, output, settings
from audiotl_cli.cli.spread import spread

if TYPE_CHECKING:
    from audiotl_cli.extractors.checks import Check
    from audiotl_cli.extractors.listing import ModelInfo
    from audiotl_cli.workflows.verify import VerifyReport

app = typer.Typer(
    no_args_is_help=True, help="List the networks, fetch their weights and check them."
)


@app.command("list", epilog="Example:  audiotl models list")
@spread
def list_() -> None:
    """Show the extractors, what they hear, and whether their weights are here."""
    from audiotl_cli.workflows.models import list_models

    found = list_models()
    output.result([asdict(info) for info in found], lambda: _show_list(found))


@app.command(
    epilog="Examples:  audiotl models fetch yamnet   |   "
    "audiotl models fetch vggish --from ~/Downloads/vggish_model.ckpt"
)
@spread
def fetch(
    name: Annotated[
        str, typer.Argument(help="An extractor, or one of the files in: audiotl models list")
    ],
    source: Annotated[
        str | None,
        typer.Option("--from", metavar="FILE|URL", help="Take the weights from this file or URL."),
        settings.TYPED,
    ] = None,
    accept_licence: options.AcceptLicence = False,
) -> None:
    """Put the weights of a network into the cache, checked.

    A file given with --from need not be the published one; it is used then, and every
    report says so.
    """
    from audiotl_cli.workflows import models

    if accept_licence:
        models.accept_licence(name)
    with output.progress(f"Fetching {name}", "MB") as update:
        fetched = models.fetch_model(
            name,
            source,
            lambda _, done, total: update(round(done / 1e6), round(total / 1e6), 0.0),
        )
    value = {
        "name": name,
        "path": str(fetched[0].path) if fetched else None,
        "files": [
            {"name": file.name, "path": str(file.path), "weights": file.label} for file in fetched
        ],
    }

    def show() -> None:
        for file in fetched:
            output.line(f"{file.name}: {_label(file.label)}, in {file.path}")
        if not fetched:
            output.line(f"{name} needs no weights")

    output.result(value, show)
    output.next_command(f"audiotl models verify {name}")


@app.command(epilog="Examples:  audiotl models verify   |   audiotl models verify musicnn")
@spread
def verify(
    name: Annotated[
        str | None,
        typer.Argument(help="An extractor or a file.  [default: all that are installed]"),
    ] = None,
) -> None:
    """Check that each network reproduces its publisher's documented output."""
    from audiotl_cli.workflows.verify import verify_models

    with output.progress("Checking", "networks") as update:
        report = verify_models(name, lambda done, total: update(done, total, 0.0))
    value = {
        "networks": [
            {
                "name": network.name,
                "weights": network.weights,
                "checks": [asdict(check) for check in network.checks],
            }
            for network in report.networks
        ],
        "not_installed": report.not_installed,
    }
    output.result(value, lambda: _show_checks(report))
    if report.not_installed:
        output.note(f"Not installed, and therefore not checked: {', '.join(report.not_installed)}")
    if any(check.passed is False for check in report.checks):
        raise typer.Exit(3)
    if any(check.missing for check in report.checks):
        raise typer.Exit(4)


def _show_list(found: list[ModelInfo]) -> None:
    extractors = output.table(
        "extractor", "ready", "dim", "window", "hop", "rate", "suited to",
        numbers=("dim", "window", "hop", "rate"),
        optional=("hop", "window", "rate", "dim", "what it is good for"),
    )  # fmt: skip
    for info in found:
        extractors.add_row(
            info.name, "yes" if info.installed else "no", str(info.dim), f"{info.window_s:g} s",
            f"{info.hop_s:g} s", f"{info.sample_rate / 1000:g} kHz", info.summary,
        )  # fmt: skip
    output.show(extractors)
    files = output.table(
        "weights",
        "of",
        "installed",
        "size",
        "licence",
        numbers=("size",),
        optional=("licence", "of"),
    )
    for info in found:
        for file in info.files:
            label = output.clean(_label(file.installed)) if file.installed else "no"
            files.add_row(file.name, info.name, label, _size(file.size), file.licence)
    output.show(files)


def _show_checks(report: VerifyReport) -> None:
    for network in report.networks:
        for name, label in network.weights.items():
            output.line(f"{name}: {_label(label)}", style="bold")
        if not network.weights:
            output.line(f"{network.name} has no weights", style="bold")
        if not network.checks:
            output.line("Its publisher documents no values to compare with.")
            continue
        grid = output.table("what", "expected", "found", "passed")
        for check in network.checks:
            found = output.clean(check.found)
            grid.add_row(output.clean(check.what), check.expected, found, _verdict(check))
        output.show(grid)


def _verdict(check: Check) -> str:
    return {True: "yes", False: "NO", None: "-"}[check.passed]


def _label(label: str) -> str:
    """Put a label of weights into words."""
    name = label.removeprefix("unverified:")
    return label if name == label else f"not the published ones ({name})"


def _size(size: int | None) -> str:
    if size is None:
        return "unknown"
    return f"{size / 1e6:.0f} MB" if size >= 1e6 else f"{size / 1e3:.0f} kB"
