"""Show what a network file takes and gives."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from audiotl_cli.cli import output

if TYPE_CHECKING:
    from audiotl_cli.extractors.inspection.described import NetworkFile, TensorInfo
    from audiotl_cli.workflows.inspect_network import NetworkReport

N_CANDIDATES = 8


def show_network(report: NetworkReport) -> None:
    """Print a network file, its candidates for embeddings, and its settings."""
    file = report.file
    output.line(f"file      {file.path}, {file.size} bytes")
    output.line(f"sha256    {file.sha256}")
    _show_made(file)
    for name, tensors in (("input", file.inputs), ("output", file.outputs)):
        for tensor in tensors:
            output.line(f"{name:<10}{tensor.name}  {_described(tensor)}")
    if file.problem:
        output.line(f"This file cannot be used: {file.problem}", style="yellow")
        return
    _show_candidates(file.candidates)
    _show_settings(report)


def _show_made(file: NetworkFile) -> None:
    sets = ", ".join(f"{domain} {version}" for domain, version in file.opsets.items())
    known = f", operator sets {sets}" if sets else ""
    output.line(f"graph     {file.n_operators} operators{known}")
    for name, text in file.metadata.items():
        output.line(f"metadata  {name}: {text[:200]}")


def _show_candidates(candidates: Sequence[TensorInfo]) -> None:
    if not candidates:
        output.line("No tensor looks like an embedding; --json lists all inner tensors.")
        return
    output.line("candidates for an embedding, the likeliest first:")
    grid = output.table("name", "shape", "why")
    for tensor in candidates[:N_CANDIDATES]:
        grid.add_row(tensor.name, _shape(tensor), tensor.note)
    output.show(grid)
    if len(candidates) > N_CANDIDATES:
        output.line(f"{len(candidates) - N_CANDIDATES} more are listed by --json.")


def _show_settings(report: NetworkReport) -> None:
    if report.written:
        output.line(f"Wrote {report.settings_path}: {json.dumps(report.settings)}")
        for check in report.checks:
            output.line(f"! check {check}", style="yellow")
    elif report.exists:
        output.line(f"settings  {report.settings_path}")
    else:
        output.line(f"There is no {report.settings_path}; --sidecar writes one to start from.")
    if report.works:
        output.line(f"With these settings, it gives {report.works}.")
    if report.problem:
        output.line(f"These settings do not fit: {report.problem}", style="yellow")
    if report.exists and not report.problem:
        file = report.file
        output.next_command(f"audiotl extract --extractor {file.kind}:{file.path}")


def _described(tensor: TensorInfo) -> str:
    return f"{tensor.dtype or 'unknown'} {_shape(tensor)}"


def _shape(tensor: TensorInfo) -> str:
    if tensor.shape is None:
        return "(unknown)"
    return "(" + ", ".join("any" if size is None else str(size) for size in tensor.shape) + ")"
