"""What the names of columns mean, however they are spelled, and in which unit their times are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from audiotl_cli.dataset.numbers import UNITS

SAMPLES = ("sample", "samples")
"""Units that need a sample rate."""

_OTHER_UNITS = (*SAMPLES, "frame", "frames", "hz", "khz", "hhmmss", "mmss", "hms")
_TIME_WORDS = {"start", "begin", "end", "stop", "onset", "offset"}


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


ALIASES = {
    "path": (
        _names("path filepath filename file fname audiofilepath audiofilename audiopath audiofile"
               " audiofilelocation wavpath wavfile wavfilename wavname recordingpath recordingfile"
               " recordingname soundfile soundfilename soundpath slicefilename relativepath"
               " relpath filelocation infile clippath clipname clipfile mp3path trackpath"),
        _names("audio wav recording clip beginpath beginfile"),
    ),
    "folder": (_names("folder directory dir subfolder subdir subdirectory infolder"),),
    "label": (
        _names("label category categories class classname classlabel labelname categoryname"
               " target genre species speciesname scenelabel eventlabel eventclass soundclass"
               " tag manualid commonname scientificname englishname primarylabel annotation"
               " emotion"),
        _names("type calltype soundtype speciescode ebirdcode labelid classid categoryid targetid"),
    ),
    "split": (_names("split subset partition datasplit"),),
    "fold": (_names("fold cvfold foldid foldnumber"),),
    "group": (
        _names("group groupid"),
        _names("speaker speakerid srcfile sourcefile artist artistid subject subjectid"
               " recordingid clientid patient patientid participant participantid site siteid"),
    ),
    "start": (
        _names("start begin onset from xmin tmin tstart tbegin t0 starttime begintime timestart"
               " timebegin eventstart eventonset onsettime segmentstart clipstart startoffset"
               " startposition beginposition startpos begintimestamp starttimestamp startsample"
               " beginsample startframe beginframe"),
    ),
    "end": (
        _names("end stop to xmax tmax tend tstop t1 endtime stoptime timeend timestop eventend"
               " eventoffset offsettime segmentend clipend endoffset endposition stopposition"
               " endpos endtimestamp stoptimestamp finish until endsample stopsample endframe"
               " stopframe"),
    ),
    "offset": (_names("offset"),),
    "file offset": (_names("fileoffset"),),
    "duration": (
        _names("duration"),
        _names("dur length len eventduration segmentduration clipduration length deltatime"
               " eventlength segmentlength cliplength"),
    ),
    "time": (_names("time position timestamp"),),
    "sample rate": (_names("samplerate samplingrate samplefrequency samplingfrequency sr fs"),),
}  # fmt: skip
"""Folded names of columns by what they hold; the more usual ones are in the first tuple."""


@dataclass(frozen=True)
class ColumnName:
    """A column's name, folded.

    Parameters
    ----------
    key : str
        Its words without case, blanks, signs and unit.
    unit : str
        In lower case, or empty.
    """

    key: str
    unit: str = ""

    @property
    def unit_s(self) -> float | None:
        """The unit in seconds, 1 without one; None for units that are no time."""
        return UNITS.get(self.unit or "s", 1.0 if self.unit in _CLOCKS else None)

    def tier(self, role: str) -> int | None:
        """Return how usual this name is for a role, from 0; None if it has another meaning."""
        forms = {self.key, self.key.removesuffix("s"), self.key.removesuffix("es")}
        for tier, keys in enumerate(ALIASES[role]):
            if not forms.isdisjoint(keys):
                return tier
        return None


_ONE_WORD = re.compile(
    r"\b(start|begin|end|stop|onset|offset|duration|dur|time)(s|secs?|seconds?|msecs?|ms|millis)\b",
    re.IGNORECASE,
)
_CLOCKS = ("hhmmss", "mmss", "hms")


@lru_cache(1024)
def fold_name(name: str) -> ColumnName:
    """Return a column's name without case, blanks, signs and plural, and its unit.

    >>> fold_name("Begin Time (s)"), fold_name("startTime_ms")
    (ColumnName(key='begintime', unit='s'), ColumnName(key='starttime', unit='ms'))
    """
    text = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    text = re.sub(r"\b(?:hh:mm:)?ss\.(?:ms|msec|\w+)\b", "s", text)  # ELAN
    text = _ONE_WORD.sub(r"\1 \2", text)
    brackets = ["".join(_words(found)) for found in re.findall(r"[(\[{]([^)\]}]*)[)\]}]", text)]
    words = _words(re.sub(r"[(\[{][^)\]}]*[)\]}]", " ", text))
    unit = next((word for word in brackets if _is_unit(word)), "")
    if not unit and len(words) > 1 and _is_unit(words[-1]):
        unit = words.pop()
        if unit in ("sample", "frame", "samples", "frames"):
            return ColumnName("".join([*words, unit.removesuffix("s")]), unit)
    return ColumnName("".join(words), unit)


def sounds_like_a_time(name: str) -> bool:
    """Return whether a name that is not known has a word such as start or end."""
    return not _TIME_WORDS.isdisjoint(_words(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)))


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.casefold())


def _is_unit(word: str) -> bool:
    return word in UNITS or word in _OTHER_UNITS
