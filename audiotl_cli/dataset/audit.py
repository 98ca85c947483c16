"""Find the problems of the clips of an index, before anything is trained on them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from audiotl_cli.audio.limits import BAND_EDGES, HIGH_RATE
from audiotl_cli.audio.measure import Measurement
from audiotl_cli.dataset.duplicates.groups import Duplicates, find_duplicates
from audiotl_cli.dataset.index import Clip
from audiotl_cli.dataset.measured import Finding
from audiotl_cli.dataset.problems.registry import all_problems, in_order
from audiotl_cli.errors import AudioError

UNREADABLE = {"unreadable", "empty"}
"""Problems of clips without a sample that can be used."""


@dataclass(frozen=True)
class Audit:
    """Clips, and what was found in them.

    Parameters
    ----------
    clips : sequence of Clip
    findings : sequence of Measurement or AudioError
        One a clip; none at all without an audit.
    duplicates : Duplicates
        By the positions of the clips.
    warnings : sequence of str
        What was changed while they were measured.
    """

    clips: Sequence[Clip]
    findings: Sequence[Finding] = ()
    duplicates: Duplicates = field(default_factory=Duplicates)
    warnings: Sequence[str] = ()


def audit_clips(
    clips: Sequence[Clip], sha256s: Sequence[str], findings: Sequence[Finding]
) -> Audit:
    """Fill the audit columns of clips, and find the problems they have so far.

    Parameters
    ----------
    clips : sequence of Clip
    sha256s : sequence of str
        Hash of each clip's file; empty if it cannot be read.
    findings : sequence of Measurement or AudioError
        One a clip.
    """
    described = [
        _describe(clip, sha256, found)
        for clip, sha256, found in zip(clips, sha256s, findings, strict=True)
    ]
    return find_problems(Audit(described, findings, find_duplicates(findings)))


def find_problems(audit: Audit) -> Audit:
    """Write into each clip the codes of all problems it has."""
    found: list[list[str]] = [[] for _ in audit.clips]
    for code, problem in all_problems().items():
        for i in problem.applies(audit):
            found[i].append(code)
    clips = [
        replace(clip, problems=";".join(codes))
        for clip, codes in zip(audit.clips, found, strict=True)
    ]
    return replace(audit, clips=clips)


def warn_of_high_rates(clips: Sequence[Clip]) -> str:
    """Return what networks hear of recordings of very high rates, if there are any."""
    n_high = sum(clip.sample_rate is not None and clip.sample_rate > HIGH_RATE for clip in clips)
    if not n_high:
        return ""
    lowest, *_, highest = (f"{edge / 1000:g}" for edge in BAND_EDGES)
    return (
        f"{n_high} of {len(clips)} clips have a sample rate above {HIGH_RATE / 1000:g} kHz: "
        f"networks hear only up to {lowest} kHz, some up to {highest} kHz, and nothing above"
    )


def paths_by_problem(clips: Iterable[Clip]) -> dict[str, list[str]]:
    """Return the paths that have each problem."""
    found: dict[str, list[str]] = {}
    for clip in clips:
        for code in clip_problems(clip):
            found.setdefault(code, []).append(clip.path)
    return {code: found[code] for code in in_order(found)}


def paths_by_reason(audit: Audit) -> dict[str, list[str]]:
    """Return why recordings cannot be read, and their paths; the most frequent reason first."""
    found: dict[str, list[str]] = {}
    for path, finding in {
        clip.path: finding for clip, finding in zip(audit.clips, audit.findings, strict=False)
    }.items():
        if isinstance(finding, AudioError):
            found.setdefault(str(finding), []).append(path)
    return dict(sorted(found.items(), key=lambda item: -len(item[1])))


def clip_problems(clip: Clip) -> list[str]:
    """Return the codes of a clip's problems."""
    return [code for code in clip.problems.split(";") if code]


def is_readable(clip: Clip) -> bool:
    """Return whether nothing is known that keeps a clip from being read."""
    return UNREADABLE.isdisjoint(clip_problems(clip))


def _describe(clip: Clip, sha256: str, found: Finding) -> Clip:
    if not isinstance(found, Measurement):
        return replace(clip, sha256=sha256)
    return replace(
        clip,
        duration_s=round(found.duration_s, 6),
        sample_rate=found.sample_rate,
        channels=found.n_channels,
        sha256=sha256,
    )
