"""Measure the clips of an index, and find and fix their problems."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from audiotl_cli.dataset.audit import (
    Audit,
    audit_clips,
    is_readable,
    paths_by_reason,
    warn_of_high_rates,
)
from audiotl_cli.dataset.beyond_end import cut_to_recordings
from audiotl_cli.dataset.fix import Change, fix_problems
from audiotl_cli.dataset.index import Clip
from audiotl_cli.dataset.layouts.registry import Source
from audiotl_cli.dataset.measure_clips import OnClip, measure_clips
from audiotl_cli.dataset.measured import Finding
from audiotl_cli.dataset.options import IndexOptions
from audiotl_cli.errors import AudioError, DataError
from audiotl_cli.project import Project
from audiotl_cli.store.memo import clip_key


def audit_source(
    project: Project, clips: list[Clip], source: Source, options: IndexOptions, on_clip: OnClip
) -> tuple[Audit, list[Change]]:
    """Measure clips and find their problems, and fix these if that is asked for.

    Parameters
    ----------
    project : Project
        Keeps the measurements.
    clips : list of Clip
    source : Source
        Where they were found.
    options : IndexOptions
    on_clip : callable
        See `OnClip`.

    Raises
    ------
    DataError
        Not one clip can be read, or none would be left.
    """
    root = source.root
    measured = measure_clips(
        clips,
        root,
        project.open_memo(),
        project.open_measured(),
        clip_key,
        workers=options.workers,
        on_clip=on_clip,
    )
    within = cut_to_recordings(clips, measured, source.left_out)
    audit = audit_clips(
        within.clips,
        [clip.sha256 for clip in within.measured],
        [
            _reason(clip, found.finding, source.unmatched)
            for clip, found in zip(within.clips, within.measured, strict=True)
        ],
    )
    found = (within.warning, warn_of_high_rates(audit.clips))
    audit = replace(audit, warnings=[text for text in found if text])
    if not any(map(is_readable, audit.clips)):
        raise DataError(
            f"none of the {len(clips)} recordings in {root} can be read: {_summary(audit)}"
        )
    if not options.fix:
        return audit, []
    fixed, changes = fix_problems(audit)
    fixed = replace(fixed, warnings=audit.warnings)
    if not fixed.clips:
        raise DataError(
            f"none of the {len(clips)} recordings in {root} can be used, so --fix would leave none"
        )
    return fixed, changes


def _reason(clip: Clip, finding: Finding, unmatched: Mapping[str, str]) -> Finding:
    """Return why no recording has the name of a clip, rather than that there is no such file."""
    if isinstance(finding, AudioError) and (reason := unmatched.get(clip.path)):
        return AudioError(reason, code=finding.code, stage=finding.stage)
    return finding


def _summary(audit: Audit, n_most: int = 3) -> str:
    reasons = list(paths_by_reason(audit).items())
    parts = [
        f"{paths[0]}{f' and {len(paths) - 1} more' if len(paths) > 1 else ''}: {reason}"
        for reason, paths in reasons[:n_most]
    ]
    return "; ".join(parts) + ("; ..." if len(reasons) > n_most else "")
