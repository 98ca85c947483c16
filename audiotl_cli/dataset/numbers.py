"""Numbers and times in the forms in which people and spreadsheets write them."""

from __future__ import annotations

import math
import re

from audiotl_cli.errors import DataError

NO_VALUE = frozenset({"", "nan", "nat", "none", "null", "na", "n/a", "<na>", "-"})
"""What stands for a missing number, in lower case."""

UNITS = {
    "s": 1.0, "sec": 1.0, "secs": 1.0, "second": 1.0, "seconds": 1.0,
    "ms": 1e-3, "msec": 1e-3, "msecs": 1e-3, "millis": 1e-3, "millisecond": 1e-3,
    "milliseconds": 1e-3, "us": 1e-6, "µs": 1e-6, "\u03bcs": 1e-6, "microseconds": 1e-6,
    "min": 60.0, "mins": 60.0, "minute": 60.0, "minutes": 60.0,
    "h": 3600.0, "hr": 3600.0, "hrs": 3600.0, "hour": 3600.0, "hours": 3600.0,
}  # fmt: skip
"""Units of time, in seconds."""

_NUMBER = re.compile(r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d+)?")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")
_CLOCK = re.compile(
    r"(?:(?P<days>\d+) days?,? ?)?(?:(?P<h>\d+):)?(?P<min>\d{1,2}):(?P<s>\d{1,2}(?:[.,]\d*)?)"
)
_DAYS = re.compile(r"(?P<days>\d+) days?")
_WITH_UNIT = re.compile(r"(?P<number>.*?[\d.,]) ?(?P<unit>[a-zµ]+)", re.IGNORECASE)


def parse_number(text: str, where: object, name: str, *, delimiter: str = "") -> float | None:
    """Return a cell as a finite number; None if it holds none.

    Parameters
    ----------
    text : str
        ``0.5``, ``0,5`` or ``5e-1``.
    where : object
        The file and the line, for messages.
    name : str
        Of the column, for messages.
    delimiter : str
        Of the table. In a table separated by commas, ``1,234`` may be a thousand or one.

    Raises
    ------
    DataError
        It is not such a number.
    """
    text = text.strip()
    if (plain := _plain(text)) is not None:
        return plain
    if text.lower() in NO_VALUE:
        return None
    if not _NUMBER.fullmatch(text):
        number = math.nan
    elif delimiter in ("", ",") and _THOUSANDS.fullmatch(text):
        raise DataError(
            f"{where}: {name} is {text!r}, which can mean {text.replace(',', '.')} or "
            f"{text.replace(',', '')}; write it with a point"
        )
    else:
        number = float(text.replace(",", "."))
    if not math.isfinite(number):
        raise DataError(f"{where}: {name} is {text!r}, expected a number")
    return number


def parse_count(text: str, where: object, name: str) -> int | None:
    """Return a cell as a whole number, also if written ``44100.0``; errors as `parse_number`."""
    number = parse_number(text, where, name, delimiter=";")
    if number is not None and not number.is_integer():
        raise DataError(f"{where}: {name} is {text!r}, expected a whole number")
    return None if number is None else int(number)


def parse_seconds(
    text: str, where: object, name: str, *, unit_s: float = 1.0, delimiter: str = ""
) -> float | None:
    """Return a cell as seconds; None if it holds none.

    Parameters
    ----------
    text : str
        A number; with a unit (``500 ms``); ``00:00:05.00``, ``0:05`` or ``0 days 00:00:05``.
    where, name, delimiter
        As for `parse_number`.
    unit_s : float
        The unit of a number without one, seconds.

    Raises
    ------
    DataError
        It is no such time.
    """
    text = text.strip()
    number = _plain(text)  # most cells, and much sooner
    if number is not None:
        return number if unit_s == 1 else round(number * unit_s, 9)
    if clock := _CLOCK.fullmatch(text) or _DAYS.fullmatch(text):
        return _clock_seconds(clock, text, where, name)
    found = _WITH_UNIT.fullmatch(text)
    if found and (own := UNITS.get(found["unit"].lower())):
        text, unit_s = found["number"], own
    try:
        number = parse_number(text, where, name, delimiter=delimiter)
    except DataError as error:
        if "expected a number" not in str(error):
            raise
        raise DataError(f"{error} of seconds, or a time such as 00:01:05.5") from error
    return None if number is None else round(number * unit_s, 9) if unit_s != 1 else number


def _plain(text: str) -> float | None:
    """Return a number written with digits and a point alone; None for other text."""
    if not text.replace(".", "", 1).isdecimal():
        return None
    number = float(text)
    return number if math.isfinite(number) else None


def _clock_seconds(clock: re.Match[str], text: str, where: object, name: str) -> float:
    parts = {key: value for key, value in clock.groupdict().items() if value is not None}
    numbers = {key: float(value.replace(",", ".")) for key, value in parts.items()}
    minutes, seconds = numbers.get("min", 0.0), numbers.get("s", 0.0)
    if seconds >= 60 or ("h" in numbers and minutes >= 60):
        raise DataError(f"{where}: {name} is {text!r}, expected a time such as 00:01:05.5")
    total = numbers.get("days", 0.0) * 86400 + numbers.get("h", 0.0) * 3600 + minutes * 60
    return round(total + seconds, 9)
