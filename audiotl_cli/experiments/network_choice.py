"""Which network to take, and why; and the file in which a project remembers it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from audiotl_cli.dataset.index import Clip
from audiotl_cli.errors import DataError
from audiotl_cli.experiments.network_probe import Probe, length_of
from audiotl_cli.json_files import get, read_json_object

ABOUT = (
    "The network that audiotl extract takes where none is named. Choose anew with: audiotl extract "
    "--extractor auto. Delete this file to forget it."
)

SHORT_S, SPEECH_RATE = 1.5, 16_000
"""Recordings of single words are short, and seldom of a higher sample rate."""


@dataclass(frozen=True)
class NetworkChoice:
    """A network, and why it was chosen.

    Parameters
    ----------
    extractor : str
    reason : str
        A sentence without a full stop.
    index : str
        The name of the index whose clips decided.
    probes : sequence of Probe
        What was measured, the best first; empty where a rule decided.
    left_out : mapping
        Why networks could not take part, by name.
    note : str
        What the user should know of a choice that was made earlier.
    """

    extractor: str
    reason: str
    index: str
    probes: Sequence[Probe] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "extractor": self.extractor,
            "reason": self.reason,
            "index": self.index,
            "tried": [
                {
                    "extractor": probe.extractor,
                    "balanced_accuracy": probe.score,
                    "interval": list(probe.interval),
                    "n_clips": len(probe.right),
                    "s_per_clip": probe.s_per_clip,
                }
                for probe in self.probes
            ],
            "left_out": dict(self.left_out),
        }

    def to_json(self) -> bytes:
        """Return the content of the file that remembers it."""
        return (json.dumps({"about": ABOUT, **self.to_dict()}, indent=2) + "\n").encode()


def remembered(path: Path) -> NetworkChoice | None:
    """Read the choice that a project remembers; None where there is none.

    What was measured is not read.

    Raises
    ------
    DataError
        The file is damaged.
    """
    try:
        values = read_json_object(path)
        return NetworkChoice(
            get(values, "extractor", str), get(values, "reason", str), get(values, "index", str)
        )
    except FileNotFoundError:
        return None
    except (OSError, DataError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataError(
            f"{path} is damaged ({reason}); delete it, and audiotl extract chooses a network anew"
        ) from error


def choose_by_score(
    probes: Sequence[Probe],
    index: str,
    left_out: Mapping[str, str],
    *,
    n_errors: float = 1.0,
) -> NetworkChoice:
    """Choose the network with the best score.

    Of those that are worse by at most one standard error, the first of `probes` is taken: few
    clips say little, and the order is what other data say.

    Parameters
    ----------
    probes : sequence of Probe
        In the order of preference; at least one.
    index : str
    left_out : mapping
    n_errors : float
        By how many standard errors a network may be worse than the best.
    """
    ranked = sorted(probes, key=lambda probe: -probe.score)
    tied = [probe for probe in probes if _is_tied(probe, ranked[0], n_errors)]
    chosen = tied[0]
    others = [probe for probe in ranked if probe is not chosen]
    low, high = chosen.interval
    reason = (
        f"balanced accuracy {chosen.score:.2f} ({low:.2f} to {high:.2f}) in cross-validation on "
        f"{len(chosen.right)} training clips"
    )
    if others:
        first, *more = [f"{other.extractor} {other.score:.2f}" for other in others]
        reason += f", where {', '.join([first.replace(' ', ' has ', 1), *more])}"
    if chosen is not ranked[0]:
        reason += (
            f"; {ranked[0].extractor} is better by less than a standard error, and "
            f"{chosen.extractor} suits more sounds"
        )
    return NetworkChoice(chosen.extractor, reason, index, ranked, left_out)


def _is_tied(probe: Probe, best: Probe, n_errors: float) -> bool:
    short, error = probe.shortfall(best)
    return short <= n_errors * error + 1e-12


def order_by_rule(clips: Sequence[Clip], order: Sequence[str]) -> tuple[list[str], str]:
    """Return networks, the one that suits clips best first, and why, where nothing is measured.

    Parameters
    ----------
    clips : sequence of Clip
    order : sequence of str
        What suits most sounds, first to last.
    """
    lengths = [length for clip in clips if (length := length_of(clip)) is not None]
    rates = [clip.sample_rate for clip in clips if clip.sample_rate]
    if lengths and rates and median(lengths) <= SHORT_S and median(rates) <= SPEECH_RATE:
        words = f"clips of {median(lengths):.1f} s at {median(rates) / 1000:g} kHz are like words"
        return sorted(order, key=lambda name: name != "speech"), f"{words} in recordings of speech"
    return list(order), "of the networks at hand it is the best for most sounds"
