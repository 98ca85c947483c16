"""The likeliest states along a recording, where every change of state costs the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]
States = npt.NDArray[np.intp]

LAG = 512
"""Steps after which a state is decided even if a later step could change it."""

EVERY = 4
"""Steps between looks at what is decided."""


class Viterbi:
    """Finds the likeliest sequence of states, whose steps come bit by bit (Viterbi, 1967).

    A state is decided as soon as all sequences that may still win agree on it, so that the
    result is the same as for the whole recording. Where they do not agree for `LAG` steps, the
    best one decides. Memory does not grow, and results do not depend on the bits.

    Parameters
    ----------
    switch_cost : float
        What a change of state costs, in nats.
    lag : int
    """

    def __init__(self, switch_cost: float, *, lag: int = LAG) -> None:
        self.switch_cost = switch_cost
        self.lag = lag
        self._totals: Any = None  # of the best sequence that ends in each state
        # of every undecided step but the first: where it is best to stay, else where from
        self._back: list[tuple[npt.NDArray[np.bool_], int]] = []
        self._n_steps = 0

    def add(self, gains: Vector) -> States:
        """Take the next steps, and return the states of the earliest that are decided now.

        Parameters
        ----------
        gains : float64 (n_steps, n_states)
            Logarithm of how likely each state is at each step.
        """
        decided: list[States] = []
        for row in gains:
            self._step(row)
            if self._n_steps % EVERY == 0:
                decided.append(self._settle())
        return np.concatenate(decided) if decided else np.empty(0, np.intp)

    def finish(self) -> States:
        """Return the states of the steps that are left."""
        if self._totals is None:
            return np.empty(0, np.intp)
        states = self._follow(int(self._totals.argmax()), len(self._back))
        self._totals, self._back = None, []
        return states

    def _step(self, row: Vector) -> None:
        self._n_steps += 1
        if self._totals is None:
            self._totals = row.copy()
            return
        best = int(self._totals.argmax())
        away = self._totals[best] - self.switch_cost
        stays = self._totals >= away
        self._back.append((stays, best))
        self._totals = np.where(stays, self._totals, away) + row
        self._totals -= self._totals.max()

    def _settle(self) -> States:
        """Return the states on which all sequences agree, and forget these steps."""
        going = np.arange(len(self._totals))  # the states at a step that are still in play
        for step in range(len(self._back) - 1, -1, -1):
            stays, best = self._back[step]
            stayed = going[stays[going]]
            going = stayed if len(stayed) == len(going) else np.union1d(stayed, [best])
            if len(going) == 1:
                return self._decide(int(going[0]), step)
        if len(self._back) < self.lag:
            return np.empty(0, np.intp)
        step = len(self._back) - self.lag
        states = np.arange(len(self._totals))
        for stays, best in reversed(self._back[step:]):
            states = np.where(stays[states], states, best)
        state = int(states[int(self._totals.argmax())])
        self._totals[states != state] = -np.inf
        return self._decide(state, step)

    def _decide(self, state: int, step: int) -> States:
        states = self._follow(state, step)
        self._back = self._back[step + 1 :]
        return states

    def _follow(self, state: int, step: int) -> States:
        """Return the states up to an undecided step, whose state is known."""
        states = np.empty(step + 1, np.intp)
        states[step] = state
        for i in range(step - 1, -1, -1):
            stays, best = self._back[i]
            states[i] = states[i + 1] if stays[states[i + 1]] else best
        return states
