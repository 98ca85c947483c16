"""Parts of the paths of recordings that may tell their source, and what kind of part they are."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import TypeVar

from audiotl_cli.dataset.duplicates.name_schemes import ATTRIBUTES, PEOPLE, TAKES

T = TypeVar("T")

MOST_PARTS = 8
"""Parts of a file name, separated by ``_``, ``-``, dots or blanks, that are looked at."""

MOSTLY = 0.9
"""Share of the recordings that must have a part, and of its values that must be of its kind."""

FEW_NUMBERS = 5
"""Fewer different numbers measure something, such as a tempo."""

BY_CHANCE = 1e-3
"""Probability below which it is no chance that a part of a name determines another."""

SEPARATORS = "-_. "
FOLDERS_THAT_DIVIDE = re.compile(
    r"(?i)(?:(?:fold|split|part|batch|set|train|test|valid|val|dev)[-_ ]?\d*|(?:19|20)\d\d)$"
)
_UUID = re.compile(r"(?i)[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}")
_DAY_OR_TIME = re.compile(
    r"(?:(?:19|20)?\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])|(?:[01]\d|2[0-3])[0-5]\d[0-5]\d|"
    r"(?:[01]\d|2[0-3])[0-5][05])$"
)
_YEAR_MONTH_DAY = (r"(?:19|20)\d\d", "0[1-9]|1[0-2]", r"0[1-9]|[12]\d|3[01]")
_CODE = re.compile(r"([^\W\d]*)(\d+)\w*$")
_MEASURE = re.compile(r"(?i)\d+(?:s|sec|ms|min|hz|khz|k|db|cm|mm|m|km|bpm|deg)$")
_TAKE_WORDS = ("seg", "segment", "part", "chunk", "slice", "clip", "take", "split", "piece", "cut")


@dataclass(frozen=True)
class Part:
    """A part of the paths.

    Parameters
    ----------
    expression : str
        Its first group is the part.
    values : tuple of str
        One a path, empty where it is missing.
    place : int
        Parts of lower places stand further left in names.
    """

    expression: str
    values: tuple[str, ...]
    place: int = 0

    @cached_property
    def members(self) -> dict[str, list[int]]:
        """The positions of the paths that have each value."""
        found: dict[str, list[int]] = defaultdict(list)
        for i, value in enumerate(self.values):
            if value:
                found[value].append(i)
        return dict(found)

    def tells_sources(self, labels: Sequence[str]) -> bool:
        """Return whether the values look like names, codes or numbers of sources.

        Dates and times do not, numbers that count do not, nor do words that describe a sound.
        """
        values = list(self.members)
        if _share(values, lambda value: bool(_DAY_OR_TIME.match(value))) >= MOSTLY:
            return False
        if _share(values, str.isdecimal) >= MOSTLY:
            numbers = [int(value) for value in values if value.isdecimal()]
            return len(numbers) >= FEW_NUMBERS and not counts_up(numbers)
        if _share(values, lambda value: len(value) > 1 and value.isalpha()) >= MOSTLY:
            return not _describe(values)
        if not self.place and all(len(value) == 1 and value.isalpha() for value in values):
            return any(len({labels[i] for i in members}) > 1 for members in self.members.values())
        return self._are_codes(labels)

    def _are_codes(self, labels: Sequence[str]) -> bool:
        """Return whether the values are letters and numbers, but no takes and no measures."""
        codes = {value: match for value in self.members if (match := _CODE.match(value))}
        others = [
            code for code in codes.values() if code[1].lower() in TAKES or _MEASURE.match(code[0])
        ]
        if len(codes) < MOSTLY * len(self.members) or 2 * len(others) >= len(codes):
            return False
        words = {code[1].lower() for code in codes.values()}
        if len(words) > 2 and len(codes) >= 2 * len(words):  # as in anna1, anna2, ben1, ben2
            return False
        if not counts_up([int(code[2]) for code in codes.values()]):
            return True
        if words == {""}:
            return False
        of_label: dict[str, set[str]] = defaultdict(set)
        for value, code in codes.items():
            of_label[code[1]].update(labels[i] for i in self.members[value])
        if len(words) > 1 and all(len(found) == 1 for found in of_label.values()):
            return False
        recurs = any(
            len({labels[i] for i in members}) < len(members) for members in self.members.values()
        )
        return recurs or words <= PEOPLE

    def determines(self, other: Part, labels: Sequence[str]) -> bool:
        """Return whether another part is always the same where this one is, and not by chance.

        What the label determines as well says nothing.
        """
        values = list(self.members)
        kinds = Counter((value.isdecimal(), value.isalpha()) for value in values)
        if _describe(values) or max(kinds.values()) < MOSTLY * len(values):
            return False
        if len(other.members) < 2 or "" in other.values:
            return False
        same = sum((n / len(other.values)) ** 2 for n in Counter(other.values).values())
        n_repeats = sum(len(own) - 1 for own in self.members.values())
        if n_repeats * math.log(same) > math.log(BY_CHANCE):
            return False
        if not _is_constant_within(self.members.values(), other.values):
            return False
        if _is_constant_within(other.members.values(), self.values):  # the same in other words
            return False
        return not _is_constant_within(Part("", tuple(labels)).members.values(), other.values)


def counts_up(numbers: Sequence[int]) -> bool:
    """Return whether numbers are those of takes, such as 1, 2, 3, or of seconds: 0, 10, 20."""
    ordered = sorted(set(numbers))
    step = math.gcd(*(b - a for a, b in pairwise(ordered))) or 1
    n_expected = (ordered[-1] - ordered[0]) / step + 1
    is_year = all(1900 <= number < 2100 for number in ordered)
    return is_year or (ordered[0] <= 3 * step and len(ordered) >= 0.8 * n_expected)


def name_parts(paths: Sequence[str]) -> list[Part]:
    """Return the parts of file names, counted from the left and from the right."""
    stems = [path.rpartition("/")[2].rpartition(".")[0] for path in paths]
    if _share(stems, lambda stem: bool(_UUID.search(stem))) > 1 - MOSTLY:
        return []  # parts of random numbers recur by chance
    signs = "".join(sign for sign in SEPARATORS if any(sign in stem for stem in stems))
    some, between = f"[^{signs}/]+", f"[{signs}]+" if signs[1:] else f"{re.escape(signs)}+"
    cut = [re.findall(some, stem) for stem in stems]
    longest = max(map(len, cut))
    found: dict[tuple[str, ...], Part] = {}
    for n in range(min(MOST_PARTS, longest)):
        edge = f"[{signs}]*" if any(stem[:1] in SEPARATORS for stem in stems) else ""
        skipped = rf"(?:{some}{between}){{{n}}}" if n else ""
        left = rf"(?:^|/){edge}{skipped}({some})[^/]*\.[^./]+$"
        skipped = rf"(?:{between}{some}){{{n}}}" if n else ""
        edge = f"[{signs}]*" if any(stem[-1:] in SEPARATORS for stem in stems) else ""
        right = rf"({some}){skipped}{edge}\.[^./]+$"
        for expression, at in ((left, n), (right, -1 - n)):
            values = tuple(parts[at] if -len(parts) <= at < len(parts) else "" for parts in cut)
            found.setdefault(values, Part(expression, values, at if at >= 0 else longest + at))
    parts = sorted(found.values(), key=lambda part: part.place)
    dates = [some for some in zip(parts, parts[1:], parts[2:], strict=False) if _are_dates(*some)]
    return [part for part in parts if not any(part in some for some in dates)]


def _are_dates(*parts: Part) -> bool:
    """Return whether three parts are years, months and days."""
    return all(
        _share(list(part.members), lambda value: bool(re.fullmatch(form, value))) >= MOSTLY  # noqa: B023
        for part, form in zip(parts, _YEAR_MONTH_DAY, strict=True)
    )


def pairs_of_parts(paths: Sequence[str], parts: Sequence[Part]) -> list[Part]:
    """Return two neighbouring parts of file names as one, such as a day and its number."""
    found = []
    for first, second in pairwise(parts):
        if second.place == first.place + 1 and first.expression.startswith("(?:^|/)"):
            # ([^_/]+) becomes ([^_/]+[_]+[^_/]+)[_]
            joined = re.sub(r"\((\[\^(.+?)/\]\+)\)", r"(\1[\2]+\1)[\2]", first.expression)
            found.append(replace(matched(joined, paths), place=second.place))
    return found


def matched(expression: str, paths: Sequence[str]) -> Part:
    """Return what an expression finds in paths."""
    pattern = re.compile(expression)
    found = [pattern.search(path) for path in paths]
    return Part(expression, tuple(match[1] if match else "" for match in found))


def folder_parts(paths: Sequence[str]) -> list[Part]:
    """Return the folders of the paths, level by level; where these only count, with all above."""
    folders = [path.split("/")[:-1] for path in paths]
    found = []
    for n in range(min(MOST_PARTS, max(map(len, folders)))):
        values = tuple(parts[n] if n < len(parts) else "" for parts in folders)
        above = rf"(?:[^/]+/){{{n}}}" if n else ""
        part = Part(rf"^{above}([^/]+)/", values, n)
        names = list(part.members)
        if all(map(FOLDERS_THAT_DIVIDE.match, names)) or _describe(names):
            continue
        if n and all(name.isdecimal() for name in part.members):
            whole = tuple("/".join(parts[: n + 1]) if n < len(parts) else "" for parts in folders)
            part = Part(rf"^({above}[^/]+)/", whole, n)
        found.append(part)
    return found


def names_before_takes(paths: Sequence[str]) -> list[Part]:
    """Return what stands before a number, or two, that counts anew for every such name."""

    def occurs(expression: str) -> bool:
        return any(re.search(expression, path.rpartition("/")[2]) for path in paths)

    words = "|".join(word for word in _TAKE_WORDS if occurs(rf"[-_. (]{word}[-_. ]?\d"))
    before = rf"[-_. (]*(?:(?<=[-_. (])(?:{words})[-_. ]?)?" if words else "[-_. (]*"
    number = r"\d+(?:\.\d+)?s?" if occurs(r"\d\.\d|\ds[-_. ]") else r"\d+"
    found = []
    for further in ("", rf"[-_. ]+{number}"):
        end = before + number + further + (r"\)?" if occurs(r"\)") else "")
        part = matched(rf"(?:^|/)([^/]*?[^/\d]\d*?){end}\.[^./]+$", paths)
        if part.members and _share(list(part.members.values()), _takes_of(paths)) >= MOSTLY:
            found.append(part)
    return found


def recording_days(paths: Sequence[str]) -> Part:
    """Return the day in names, if a recorder wrote at the same times on several days."""
    expression = r"(?<!\d)((?:19|20)\d\d-?[01]\d-?[0-3]\d)[-_T ]?(?=[0-2]\d-?[0-5]\d)"
    cut = re.compile(expression + r"(\d\d-?\d\d(?:-?\d\d)?)(?!\d)")
    matches = [cut.search(path.rpartition("/")[2]) for path in paths]
    days = Part(expression, tuple(match[1] if match else "" for match in matches))
    times = Part("", tuple(match[2] if match else "" for match in matches))
    on_days = {time: {days.values[i] for i in members} for time, members in times.members.items()}
    again = sum(len(times.members[time]) for time, found in on_days.items() if len(found) > 1)
    return days if 2 * again > len(paths) else Part(expression, ())


def _takes_of(paths: Sequence[str]) -> Callable[[list[int]], bool]:
    def are_takes(members: list[int]) -> bool:
        stems = (paths[i].rpartition(".")[0] for i in members)
        numbers = [float(re.findall(r"\d+(?:\.\d+)?", stem)[-1]) for stem in stems]
        return len(members) == 1 or counts_up([round(1000 * number) for number in numbers])

    return are_takes


def _describe(words: Sequence[str]) -> bool:
    """Return whether words describe a sound."""
    return _share(words, lambda word: word.lower() in ATTRIBUTES) >= 0.5


def _is_constant_within(groups: Iterable[list[int]], values: Sequence[str]) -> bool:
    return all(len({values[i] for i in members}) == 1 for members in groups)


def _share(values: Sequence[T], holds: Callable[[T], bool]) -> float:
    return sum(map(holds, values)) / max(len(values), 1)
