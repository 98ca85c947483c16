"""Deal clips into parts: train and test, or folds.

Clips of one group stay together, and every part gets its share of every label as nearly
as the groups allow.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence

import numpy as np
import numpy.typing as npt


def deal(
    labels: Sequence[str], groups: Sequence[Hashable], shares: Sequence[float], seed: int
) -> list[int]:
    """Return the part of every clip.

    Groups are dealt one by one, the largest first, each to the part that it brings nearest
    to its share of every label (as in stratified group k-fold, but for parts of any size).

    Parameters
    ----------
    labels : sequence of str
        One a clip.
    groups : sequence of hashable
        One a clip; clips that are equal here get the same part.
    shares : sequence of float
        How much each part should get; they add up to 1.
    seed : int
        Decides between groups that are equally good.

    Returns
    -------
    parts : list of int
        Positions in `shares`, one a clip.
    """
    _, label_of = np.unique(np.array(labels, dtype=object).astype(str), return_inverse=True)
    numbers: dict[Hashable, int] = {}
    group_of = np.array([numbers.setdefault(group, len(numbers)) for group in groups])
    counts = np.zeros((len(numbers), label_of.max() + 1))
    np.add.at(counts, (group_of, label_of), 1)

    # all clips together count as a further label, so that of parts that are equally good for the
    # labels, the smallest gets the group
    counts = np.hstack([counts, counts.sum(axis=1, keepdims=True)])

    order = np.random.default_rng(seed).permutation(len(counts))
    order = order[np.argsort(-counts[order, -1], kind="stable")]
    totals = counts.sum(axis=0)
    # in shares of each label, so that rare labels count as much as frequent ones
    held = np.zeros((len(shares), len(totals)))
    targets = np.outer(shares, np.ones(len(totals)))
    part_of = np.zeros(len(counts), dtype=int)
    for group in order:
        gain = counts[group] / totals
        part = _nearest(held, targets, gain)
        held[part] += gain
        part_of[group] = part
    return [int(part) for part in part_of[group_of]]


def cut_in_order(
    labels: Sequence[str],
    paths: Sequence[str],
    groups: Sequence[Hashable],
    *,
    near: Sequence[Hashable],
    n_parts: int,
    gap: float,
    seed: int,
) -> list[tuple[list[int], list[int]]]:
    """Return rounds of training and testing that separate clips of one source.

    Clips of one source (an album, a site, a night) usually have neighbouring names. So the clips
    of a label, in the order of their paths, are cut into stretches. Each stretch is tested in
    turn, and its neighbours on either side are left out of training, because a cut may go through
    a source. If the order is arbitrary, the rounds are random.

    Leaving out neighbours: Burman, P. et al. (1994). A cross-validatory method for dependent
    data. Biometrika 81.

    Parameters
    ----------
    labels, paths : sequence of str
        One a clip.
    groups : sequence of hashable
        One a clip; a group is tested as one, where most of its clips lie.
    near : sequence of hashable
        One a clip; nothing is fitted on that is equal here to a clip that is tested.
    n_parts : int
    gap : float
        How much of a label is left out on either side, as a share of it.
    seed : int
        Decides where every label is cut first; its ends count as neighbours.

    Returns
    -------
    rounds : list of (fit, test)
        Positions of clips; each is tested once. There are fewer than `n_parts` where there
        are fewer clips.
    """
    of_label: dict[str, list[int]] = defaultdict(list)
    for i in sorted(range(len(paths)), key=lambda i: natural(paths[i])):
        of_label[labels[i]].append(i)
    random = np.random.default_rng(seed)
    places = np.zeros(len(paths))
    for _, members in sorted(of_label.items()):
        even = (np.arange(len(members)) + 0.5) / len(members)
        places[members] = (even + random.random()) % 1.0
    held: dict[Hashable, Counter[int]] = defaultdict(Counter)
    for group, place in zip(groups, places, strict=True):
        held[group][int(place * n_parts)] += 1
    most = {group: min(n, key=lambda part: (-n[part], part)) for group, n in held.items()}
    part_of = [most[group] for group in groups]
    rounds = []
    for part in sorted(set(part_of)):
        test = [i for i, own in enumerate(part_of) if own == part]
        close = {near[i] for i in test}
        # on a ring of length 1: how far behind or ahead of the stretch a clip lies
        away = np.minimum((part / n_parts - places) % 1.0, (places - (part + 1) / n_parts) % 1.0)
        apart = (away >= gap) & (np.floor(places * n_parts) != part)
        fit = [
            i
            for i, own in enumerate(part_of)
            if own != part and near[i] not in close and (gap == 0 or apart[i])
        ]
        rounds.append((fit, test))
    return rounds


def natural(path: str) -> list[tuple[int, int | str]]:
    """Return a key that sorts ``2.wav`` before ``10.wav``."""
    return [
        (1, int(part)) if part.isdecimal() and part.isascii() else (0, part)
        for part in re.split(r"([0-9]+)", path)
    ]


def _nearest(
    held: npt.NDArray[np.float64], targets: npt.NDArray[np.float64], gain: npt.NDArray[np.float64]
) -> int:
    """Return the part whose distance from its target shrinks most by taking the group.

    Distances are relative to the target, so that a small part is not starved.
    """
    before = ((held - targets) / targets) ** 2
    after = ((held + gain - targets) / targets) ** 2
    weight = targets[:, :1]
    change = ((after - before) * weight).sum(axis=1)
    return int(np.argmin(np.round(change, 12)))
