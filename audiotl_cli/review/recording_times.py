"""When recordings began: by their names, by what recorders wrote into them, or by their files."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from pathlib import PurePath
from zoneinfo import ZoneInfo

from audiotl_cli.audio.wav_notes import WavNotes
from audiotl_cli.errors import UsageError
from audiotl_cli.storage.paths import AnyPath

NAME, NOTES, MODIFIED = "name", "metadata", "modification time"
"""Where a time comes from."""

_STAMP = re.compile(
    r"(?<!\d)(?P<year>(?:19|20)\d\d)(?P<dash>[-_.]?)(?P<month>0[1-9]|1[0-2])(?P=dash)"
    r"(?P<day>0[1-9]|[12]\d|3[01])(?P<between>[T_ $-]?)"
    r"(?P<hour>[01]\d|2[0-3])(?P<colon>[-:_.h]?)(?P<minute>[0-5]\d)"
    r"(?:(?:(?P=colon)|m)(?P<second>[0-5]\d)(?:[.,](?P<fraction>\d{1,6}))?)?"
    r"(?P<zone>Z|[+-](?:0\d|1[0-4]):?(?:00|15|30|45))?(?!\d)"
)
"""A date and a time, as 20240131_235959 (AudioMoth, Song Meter, Swift), 20240131$235959 (Song Meter
SM2), 20240131T235959+0100 (BAR) or 2024-01-31T23:59:59Z (ISO 8601; in names with - or . for :)."""

_HEXADECIMAL = re.compile(r"(?=[0-9A-F]*[A-F])[56][0-9A-F]{7}")
"""Names of AudioMoth's first firmware: seconds since 1970, UTC, as hexadecimal number."""

_AUDIOMOTH = re.compile(
    r"Recorded at (?P<time>\d\d:\d\d:\d\d)(?:\.\d+)? (?P<day>\d\d)/(?P<month>\d\d)/(?P<year>\d{4}) "
    r"\(UTC(?P<zone>[+-]\d{1,2}(?::[0-5]\d)?)?\)(?: by AudioMoth (?P<device>[0-9A-F]+))?"
)
_OFFSET = re.compile(r"(?:UTC)?([+-])(\d{1,2}):?([0-5]\d)?")
_TOLERANCE = timedelta(seconds=2)
"""How far a recorder's name and its note of the same time may lie apart."""


@dataclass(frozen=True)
class Began:
    """When a recording began.

    Parameters
    ----------
    when : datetime
        With a zone only where the recording states one.
    source : {"name", "metadata", "modification time"}
    disagrees : bool
        Whether the name and the metadata of the recording state different times.
    """

    when: datetime
    source: str
    disagrees: bool = False


def began(path: AnyPath, duration_s: float, notes: WavNotes) -> Began | None:
    """Return when a recording began; None where nothing says so.

    The time in its name comes first. One without a zone gets the zone of the recorder's own note
    of the same time, if there is one: GUANO, or the comment of AudioMoth. Without a time in the
    name, that note is taken, then the date of a broadcast WAV or of the list of information. The
    modification time is the last resort, less the length, because recorders write to a file until
    its end.

    Parameters
    ----------
    path : Path or RemotePath
        It need not exist.
    duration_s : float
        Length of the recording, seconds; ``nan`` if it is not known.
    notes : WavNotes
        What is in the file; see `read_wav_notes`.
    """
    named = time_in_name(path.name)
    noted = time_in_notes(notes)
    if named is not None:
        return _with_zone(named, noted)
    if noted is not None:
        return Began(noted, NOTES)
    try:
        modified = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except (OSError, OverflowError, ValueError):
        return None
    length = timedelta(seconds=0 if duration_s != duration_s else duration_s)
    return Began(modified - length, MODIFIED)


def _with_zone(named: datetime, noted: datetime | None) -> Began:
    """Return a time in a name, with the zone of another note of the same time."""
    if noted is None:
        return Began(named, NAME)
    if (named.tzinfo is None) != (noted.tzinfo is None):
        aware, naive = (named, noted) if noted.tzinfo is None else (noted, named)
        # the clock in the name may be that of the note, or UTC
        for zone in (aware.tzinfo, UTC):
            if abs(naive.replace(tzinfo=zone) - aware) <= _TOLERANCE:
                return Began(named if named.tzinfo else named.replace(tzinfo=zone), NAME)
        return Began(named, NAME, disagrees=True)
    return Began(named, NAME, disagrees=abs(named - noted) > _TOLERANCE)


def time_in_name(name: str) -> datetime | None:
    """Return the first date and time in the name of a file; None without one.

    Hours and minutes alone must be separated from each other or follow a ``T``: four digits after
    a date may as well be a number.

    Examples
    --------
    >>> time_in_name("SITE1_20240131_203000.wav")
    datetime.datetime(2024, 1, 31, 20, 30)
    >>> time_in_name("20240131_0001.wav") is None
    True
    """
    stem = PurePath(name).stem
    if _HEXADECIMAL.fullmatch(stem):
        return datetime.fromtimestamp(int(stem, 16), UTC)
    return next((when for when, _ in _stamps(stem)), None)


def before_time(name: str) -> str:
    """Return what precedes the time in the name of a file, such as a site; empty without a time.

    Examples
    --------
    >>> before_time("SITE1_20240131_203000.wav")
    'SITE1'
    """
    stem = PurePath(name).stem
    at = next((at for _, at in _stamps(stem)), 0)
    # Song Meter SM3 and SM4 put the channels after the prefix
    return re.sub(r"_(?:0\+1|[01-])$", "", stem[:at].rstrip("_ -.")).rstrip("_ -.")


def _stamps(text: str) -> list[tuple[datetime, int]]:
    """Return the dates with times in a text, and where each begins."""
    found = []
    for match in _STAMP.finditer(text):
        if match["second"] is None and not match["colon"] and match["between"] != "T":
            continue
        year, month, day, hour, minute = (
            int(match[name]) for name in ("year", "month", "day", "hour", "minute")
        )
        second, micro = int(match["second"] or 0), int((match["fraction"] or "0").ljust(6, "0"))
        try:
            when = datetime(year, month, day, hour, minute, second, micro)
        except ValueError:  # such as the 30th of February
            continue
        zone = match["zone"]
        found.append((when.replace(tzinfo=_zone(zone) if zone else None), match.start()))
    return found


def time_in_notes(notes: WavNotes) -> datetime | None:
    """Return when a recorder says that it began; None where it does not."""
    if found := _stamps(notes.guano.get("Timestamp", "")):
        return found[0][0]
    if match := _AUDIOMOTH.search(notes.comment):
        text = f"{match['year']}-{match['month']}-{match['day']}T{match['time']}"
        try:
            return datetime.fromisoformat(text).replace(tzinfo=_zone(match["zone"] or "Z"))
        except ValueError:
            return None
    created = _stamps(notes.created)
    return created[0][0] if created else None


def device_in_notes(notes: WavNotes) -> str:
    """Return the serial number of the recorder; empty where it does not say."""
    match = _AUDIOMOTH.search(notes.comment)
    return (match["device"] or "") if match else notes.guano.get("Serial", "")


def parse_zone(text: str, option: str) -> tzinfo:
    """Return the zone that a user typed: ``UTC``, ``+02:00`` or ``Europe/Berlin``.

    Raises
    ------
    UsageError
        There is no such zone.
    """
    try:
        if text.upper() in ("Z", "UTC") or _OFFSET.fullmatch(text):
            return _zone(text)
        return ZoneInfo(text)
    except (OSError, ValueError, KeyError) as error:  # ZoneInfoNotFoundError is a KeyError
        raise UsageError(
            f"{option} is {text!r}, expected UTC, +02:00 or a name such as Europe/Berlin"
        ) from error


def _zone(text: str) -> timezone:
    if text.upper() in ("Z", "UTC"):
        return UTC
    match = _OFFSET.fullmatch(text)
    if match is None:
        raise ValueError(text)
    sign, hours, minutes = match.groups()
    offset = timedelta(hours=int(hours), minutes=int(minutes or 0))
    return timezone(-offset if sign == "-" else offset)


@dataclass(frozen=True)
class Zones:
    """In which zones times are read and shown.

    Parameters
    ----------
    shown : tzinfo or None
        Times are shown in it; None shows them as each recorder's clock had them.
    recorders : tzinfo or None
        Of times that state no zone; None is `shown`.
    """

    shown: tzinfo | None = None
    recorders: tzinfo | None = None

    def local(self, found: Began) -> Began:
        """Return a time as it is shown: with a zone, where one is known.

        Modification times have no zone of a recorder's, so without `shown` they are in this
        computer's.
        """
        when = found.when
        if when.tzinfo is None:
            zone = self.recorders or self.shown
            when = when if zone is None else when.replace(tzinfo=zone)
        elif found.source == MODIFIED and self.shown is None:
            when = when.astimezone()
        if self.shown is not None and when.tzinfo is not None:
            when = when.astimezone(self.shown)
        return replace(found, when=when)
