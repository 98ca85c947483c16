"""Find near-duplicates by their fingerprints, in about linear time.

Two recordings are candidates if their fingerprints share several words at the same distance.
Candidates are then aligned at that distance, and their bits compared. A word that many recordings
share makes each a candidate only with its neighbours in the list, so that time does not grow with
the square of their number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audiotl_cli.audio.fingerprint import N_BITS, Words
from audiotl_cli.audio.limits import (
    FEW_WORDS,
    LEAST_WORDS,
    NEAR_DUPLICATE_ERROR,
    NEAR_DUPLICATE_ERROR_FEW,
    NEAR_DUPLICATE_SHARE,
)

N_NEIGHBOURS = 3
"""Recordings with the same word that each one is compared with."""
N_SHIFTS_TRIED = 3
"""Distances tried for a pair, those that most words share first."""
SHIFT_TOLERANCE = 2
"""Words by which a distance may be off: shared words need not lie where recordings fit best."""

WORDS_AT_ONCE, MOST_SLICES = 1 << 17, 32
"""Words that are sorted at once, to save memory, and the most slices they are divided into: equal
words are in one slice, and every slice goes through all words."""

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class NearDuplicate:
    """Two recordings that hold nearly the same sound.

    Parameters
    ----------
    first, second : int
        Positions, the lower one first.
    error : float
        Share of bits that differ where they overlap.
    covered : float
        Share of the longer recording that lies in the overlap, counted in words with sound.
    """

    first: int
    second: int
    error: float
    covered: float


def find_near_duplicates(fingerprints: Sequence[Words]) -> list[NearDuplicate]:
    """Return the pairs of recordings that hold nearly the same sound.

    Parameters
    ----------
    fingerprints : sequence of uint32 (n_words,)
        One a recording; of equal ones, give only one.

    Returns
    -------
    pairs : list of NearDuplicate
        Sorted by position. Of many recordings of one sound, not every pair is returned, but enough
        to connect them all.
    """
    heard = [int(np.count_nonzero(words)) for words in fingerprints]
    best: dict[tuple[int, int], NearDuplicate] = {}
    for first, second, shift in _candidates(fingerprints, heard):
        found = _compare(fingerprints, heard, first, second, shift)
        if found and ((first, second) not in best or found.error < best[first, second].error):
            best[first, second] = found
    return [best[pair] for pair in sorted(best)]


def _candidates(fingerprints: Sequence[Words], heard: Sequence[int]) -> list[tuple[int, int, int]]:
    """Return pairs of recordings, and how many words later a sound comes in the second."""
    long_enough = [i for i, n in enumerate(heard) if n >= LEAST_WORDS]
    if len(long_enough) < 2:
        return []
    words = np.concatenate([fingerprints[i] for i in long_enough])
    lengths = [len(fingerprints[i]) for i in long_enough]
    starts = np.cumsum([0, *lengths[:-1]])
    longest = max(lengths)
    n_shifts = 2 * longest + 1  # one more than there are, so that the last of a pair has no next
    n_recordings = len(fingerprints)
    parts = []
    n_slices = min(1 + len(words) // WORDS_AT_ONCE, MOST_SLICES)
    for number in range(n_slices):
        at = np.flatnonzero((words % n_slices == number) & (words > 0))
        at = at[np.argsort(words[at], kind="stable")]  # by word, then recording, then place
        held, owners = words[at], np.searchsorted(starts, at, side="right") - 1
        is_first = np.ones(len(at), bool)
        is_first[1:] = (held[1:] != held[:-1]) | (owners[1:] != owners[:-1])
        held, owners, at = held[is_first], owners[is_first], at[is_first]
        places, owners = at - starts[owners], np.array(long_enough)[owners]
        for step in range(1, N_NEIGHBOURS + 1):
            same = np.flatnonzero(held[step:] == held[:-step])
            pairs = owners[same] * n_recordings + owners[same + step]
            parts.append(pairs * n_shifts + (places[same + step] - places[same] + longest))
    votes = np.concatenate(parts)
    parts.clear()
    return [
        (
            vote // n_shifts // n_recordings,
            vote // n_shifts % n_recordings,
            vote % n_shifts - longest,
        )
        for vote in _repeated(votes, n_shifts)
    ]


def _repeated(votes: IntArray, n_shifts: int) -> list[int]:
    """Return the votes that come at least twice, distances that differ by 1 taken together.

    Parameters
    ----------
    votes : int64 (n,)
        ``pair * n_shifts + distance``, one number each to save memory. Sorted in place.
    n_shifts : int

    Returns
    -------
    votes : list of int
        Sorted by pair; of each pair the most frequent ones, at most `N_SHIFTS_TRIED`.
    """
    votes.sort()
    close = np.diff(votes, prepend=-2, append=np.iinfo(np.int64).max) <= 1
    votes = votes[close[1:] | close[:-1]]  # most come once: by chance
    votes, counts = np.unique(votes, return_counts=True)
    beside = np.diff(votes) == 1
    after, before = np.r_[beside, False], np.r_[False, beside]
    counts = counts + after * np.r_[counts[1:], 0] + before * np.r_[0, counts[:-1]]
    votes, counts = votes[counts > 1], counts[counts > 1]
    pairs = votes // n_shifts
    order = np.lexsort((votes, -counts, pairs))
    votes, pairs = votes[order], pairs[order]
    first_of_pair = np.searchsorted(pairs, pairs)
    taken: list[int] = votes[np.arange(len(votes)) - first_of_pair < N_SHIFTS_TRIED].tolist()
    return taken


def _compare(
    fingerprints: Sequence[Words], heard: Sequence[int], first: int, second: int, shift: int
) -> NearDuplicate | None:
    """Return how well two fingerprints fit at about this distance; None if they do not."""
    a, b = fingerprints[first], fingerprints[second]
    shorter, longer = sorted((heard[first], heard[second]))
    least = max(LEAST_WORDS, NEAR_DUPLICATE_SHARE * shorter)
    best = None
    for by in range(shift - SHIFT_TOLERANCE, shift + SHIFT_TOLERANCE + 1):
        start, end = max(0, -by), min(len(a), len(b) - by)
        a_part, b_part = a[start:end], b[start + by : end + by]
        both = (a_part > 0) & (b_part > 0)
        n = int(np.count_nonzero(both))
        if n < least:
            continue
        differ = np.bitwise_count(a_part[both] ^ b_part[both])
        error = float(differ.sum()) / (n * N_BITS)
        limit = NEAR_DUPLICATE_ERROR if n >= FEW_WORDS else NEAR_DUPLICATE_ERROR_FEW
        if error <= limit and (best is None or error < best.error):
            best = NearDuplicate(first, second, error, n / longer)
    return best
