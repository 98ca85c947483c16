"""Which columns of a table say where a clip begins and ends in its recording."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from audiotl_cli.dataset.candidates import UNUSED, Candidates
from audiotl_cli.dataset.column_names import SAMPLES, fold_name, sounds_like_a_time
from audiotl_cli.dataset.numbers import parse_number, parse_seconds
from audiotl_cli.dataset.rows import Row
from audiotl_cli.errors import DataError

STARTS = ("file offset", "start")
"""Roles of columns that say where a clip begins, the best first."""


def choose_times(candidates: Candidates) -> None:
    """Give the columns of times their roles: start and end, or start and duration.

    Raises
    ------
    DataError
        Columns of times are not understood, or could mean several things.
    """
    named, roles = candidates.named, candidates.roles
    if named.get("start") == UNUSED and "start" not in roles:
        return
    found = {role: _times(candidates, role) for role in (*STARTS, "end", "duration")}
    _place_offset(candidates, found)
    has_duration = bool(found["duration"]) or "duration" in roles
    if not found["start"] and "start" not in roles and has_duration:
        times = filter(candidates.holds_seconds, candidates.of("time"))
        found["start"] = [
            name for name in times if not any(":" in cell for cell in candidates.cells(name))
        ]
    for role in ("start", "end", "file offset"):
        candidates.choose(role, found[role])
    if "end" not in roles and not roles.keys().isdisjoint(STARTS):
        candidates.choose("duration", found["duration"])
    _check(candidates)


def _times(candidates: Candidates, role: str) -> list[str]:
    """Return the columns that may hold a time: those in seconds or the like before samples."""
    found = candidates.of(role)
    return [name for name in found if fold_name(name).unit_s is not None] or found


def _place_offset(candidates: Candidates, found: dict[str, list[str]]) -> None:
    """Read ``offset`` as the end after an onset, or as the start before a duration."""
    offsets = _times(candidates, "offset")
    if not offsets:
        return
    has = {role: bool(found[role]) or role in candidates.named for role in found}
    if has["start"] and not has["end"] and not has["duration"]:
        found["end"] = offsets
    elif has["duration"] and not has["start"] and not has["end"]:
        found["start"] = offsets
    elif not (has["start"] and has["end"]):
        _refuse(candidates, offsets)


def _check(candidates: Candidates) -> None:
    named, roles = candidates.named, candidates.roles
    start = next((role for role in STARTS if role in roles), None)
    has_length = not roles.keys().isdisjoint(("end", "duration"))
    if start and not has_length and "start" not in named and roles[start] != "start_s":
        _refuse(candidates, [roles[start]])
    if "end" in roles and not start and "end" not in named and roles["end"] != "end_s":
        _refuse(candidates, [roles["end"]])
    for role in (*STARTS, "end", "duration"):
        if role in roles:
            _check_unit(candidates, roles[role])
    if not start and not has_length:
        unknown = [name for name in candidates.table.columns if _may_be_a_time(candidates, name)]
        if unknown:
            _refuse(candidates, unknown)


def _check_unit(candidates: Candidates, name: str) -> None:
    folded = fold_name(name)
    if folded.unit_s is not None:
        return
    if folded.unit in SAMPLES and "sample rate" not in candidates.roles:
        candidates.choose("sample rate", candidates.of("sample rate")[:1])
    if folded.unit not in SAMPLES or "sample rate" not in candidates.roles:
        raise DataError(
            f"{candidates.table.path}: the column {name!r} holds {folded.unit}; expected seconds, "
            "or samples and a column sample_rate"
        )


def _may_be_a_time(candidates: Candidates, name: str) -> bool:
    folded = fold_name(name)
    sounds_so = sounds_like_a_time(name) or (
        folded.tier("time") is not None
        and (folded.unit or _differs_in_a_recording(candidates, name))
    )
    return bool(
        sounds_so and name not in candidates.roles.values() and candidates.holds_seconds(name)
    )


def _differs_in_a_recording(candidates: Candidates, name: str) -> bool:
    """Return whether rows of the same recording have different numbers, so no times of day."""
    times = candidates.cells(name)
    if "path" not in candidates.roles or any(":" in cell for cell in times):
        return False
    paths = candidates.cells(candidates.roles["path"])
    return len(set(paths)) < len(set(zip(paths, times, strict=True)))


def _refuse(candidates: Candidates, names: Sequence[str]) -> None:
    holds = "holds times" if len(names) == 1 else "hold times"
    raise DataError(
        f"{candidates.table.path}: {' and '.join(map(repr, names))} {holds}, but it is not clear "
        f"where clips begin and end. {candidates.so_far()}Name the columns with --start-column and "
        "--end-column or --duration-column; for marks, name one column twice and give "
        f"--point-width-s; --start-column {UNUSED} takes whole recordings"
    )


def bounds(row: Row, roles: Mapping[str, str]) -> tuple[float | None, float | None]:
    """Return where a row's clip begins and ends, seconds; None at the recording's own.

    Raises
    ------
    DataError
        A cell is no time, or lies before the recording.
    """
    start, end, length, begins = (
        _seconds(row, roles, role) for role in ("start", "end", "duration", "file offset")
    )
    if begins is not None:
        length = end - (start or 0.0) if end is not None else length
        start, end = begins, None
    if end is None and length is not None:
        end = round((start or 0.0) + length, 6)
    return start, end


def _seconds(row: Row, roles: Mapping[str, str], role: str) -> float | None:
    if role not in roles:
        return None
    name = roles[role]
    unit_s = fold_name(name).unit_s
    if unit_s is None:
        rate = parse_number(row.cells[roles["sample rate"]], row.where, roles["sample rate"])
        if not rate or rate < 0:
            raise DataError(f"{row.where}: {roles['sample rate']} is {rate}, expected a rate in Hz")
        unit_s = 1 / rate
    value = parse_seconds(row.cells[name], row.where, name, unit_s=unit_s, delimiter=row.delimiter)
    if value is not None and value < 0:
        raise DataError(f"{row.where}: {name} is {row.cells[name]!r}, expected 0 or more")
    return value


def describe_times(roles: Mapping[str, str]) -> dict[str, str]:
    """Return in words what the start and the end of a clip are read from."""

    def name(role: str) -> str:
        column = roles[role]
        unit = fold_name(column).unit or "s"
        return (
            column
            if unit in column.lower().replace("(", " ").split(")")[0].split()
            else f"{column} ({unit})"
        )

    start = next((role for role in STARTS if role in roles), None)
    found = {} if start is None else {"start": name(start)}
    if start == "file offset" and {"start", "end"} <= roles.keys():
        found["end"] = f"{name(start)} + {name('end')} - {name('start')}"
    elif "end" in roles:
        found["end"] = name("end")
    elif "duration" in roles:
        found["end"] = f"{name(start)} + {name('duration')}" if start else name("duration")
    return found
