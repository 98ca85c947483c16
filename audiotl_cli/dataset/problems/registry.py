"""What a problem of clips is, and which there are. To add one, write its file beside this one.

Nothing here imports NumPy: the help of ``audiotl index`` is made of the registry.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

from audiotl_cli.dataset import problems
from audiotl_cli.errors import AudioError

if TYPE_CHECKING:
    from audiotl_cli.audio.measure import Measurement
    from audiotl_cli.dataset.audit import Audit
    from audiotl_cli.dataset.index import Clip
    from audiotl_cli.dataset.measured import Finding

Check = Callable[["Audit"], Collection[int]]
"""Takes the clips and what an audit found in them; returns the positions of those concerned."""

Fix = Literal["leave out", "keep one", "group", "none"]

_FIX_ADVICE = {
    "leave out": "; --fix leaves them out",
    "keep one": "; --fix keeps one of each",
    "group": "; --fix puts them into one group",
    "none": "",
}


@dataclass(frozen=True)
class Problem:
    """A problem that clips can have.

    Parameters
    ----------
    code : str
        Its name in the column ``problems``, in JSON and on the screen.
    order : int
        Problems with lower numbers come first.
    summary : str
        What is wrong, and what the user can do.
    applies : callable
        See `Check`, `of_finding` and `of_measurement`.
    fix : {"leave out", "keep one", "group", "none"}
        What ``--fix`` does with the clips.
    is_serious : bool
        Whether such clips spoil training or scores.
    is_shared : bool
        Whether several clips have it together, because they hold the same sound.
    detail : callable
        Returns the values of a clip that matter for the problem, for the screen.
    """

    code: str
    order: int
    summary: str
    applies: Check
    fix: Fix = "none"
    is_serious: bool = False
    is_shared: bool = False
    detail: Callable[[Clip], str] = lambda clip: ""

    @property
    def advice(self) -> str:
        """What is wrong, and what to do."""
        return self.summary + _FIX_ADVICE[self.fix]


def of_finding(holds: Callable[[Finding], bool]) -> Check:
    """Return a check that looks at the measurement or the error of each clip by itself."""
    return lambda audit: [i for i, found in enumerate(audit.findings) if holds(found)]


def of_measurement(holds: Callable[[Measurement], bool]) -> Check:
    """Return a check that looks at the measurement of each clip that could be measured."""
    return of_finding(lambda found: not isinstance(found, AudioError) and holds(found))


@cache
def all_problems() -> dict[str, Problem]:
    """Return every problem by its code, in order."""
    names = [module.name for module in pkgutil.iter_modules(problems.__path__)]
    found: list[Problem] = [
        importlib.import_module(f"{problems.__name__}.{name}").PROBLEM
        for name in names
        if name != "registry"
    ]
    return {problem.code: problem for problem in sorted(found, key=lambda problem: problem.order)}


def codes(fix: Fix | None = None) -> list[str]:
    """Return the codes of all problems, or of those that ``--fix`` treats in one way."""
    return [code for code, problem in all_problems().items() if fix in (None, problem.fix)]


def in_order(found: Collection[str]) -> list[str]:
    """Return codes of problems in order, unknown ones last."""
    known = codes()
    return sorted(found, key=lambda code: known.index(code) if code in known else len(known))
