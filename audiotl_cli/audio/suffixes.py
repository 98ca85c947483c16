"""Which files are taken for recordings, by the suffixes of their names.

What a file holds decides how it is decoded, so a recording with the suffix of another format is
read all the same.
"""

from __future__ import annotations


def _suffixes(endings: str) -> frozenset[str]:
    return frozenset(f".{ending}" for ending in endings.split())


LIBSNDFILE = _suffixes(
    "wav wave bwf flac ogg oga opus mp3 mp2 mp1 mpga aif aiff aifc au snd caf w64 rf64 voc sph"
)
"""Suffixes of formats that libsndfile usually reads."""

FFMPEG = _suffixes("""
    m4a m4b m4r mp4 m4v mov qt f4a f4v 3gp 3gpp 3g2 3ga aac adts amr awb wma wmv asf mka mkv webm
    ogv ogx spx ac3 eac3 ape wv tta avi flv mpg mpeg vob m2ts mts
""")
"""Suffixes of formats that FFmpeg reads, also those of videos with a sound track."""

EXTENSIONS = LIBSNDFILE | FFMPEG
"""Files with these suffixes are taken for recordings."""

_CONVERT = "audiotl does not read this format; convert the files to .wav or .flac"
_PROTECTED = "copy protection keeps other programs from reading this format"
_NO_HEADER = "samples without a header are not read from files; convert them to .wav"
_NO_SOUND = "this format holds notes or times, and no sound"
_WILDLIFE = "Wildlife Acoustics' compressed format is not read; Kaleidoscope converts it to .wav"
_PROJECT = "this is the project of a sound editor; export the sound as .wav or .flac"
_PARTIAL = "the download was not completed"

NOT_READ = {
    suffix: reason
    for reason, endings in {
        _CONVERT: "aa3 act alac at3 cda dff dsd dsf dss ds2 dts dvf iff la mlp mp+ mpc mpp msv ofr"
        " oma qcp ra ram rm shn svx tak thd vdat vqf wve xwma",
        _PROTECTED: "aa aax aaxc m4p",
        _NO_HEADER: "alaw gsm pcm raw sln ul ulaw vox",
        _NO_SOUND: "kar mid midi rmi zc zca",
        _WILDLIFE: "w4v wac",
        _PROJECT: "als aup aup3 band flp logicx sesx",
        _PARTIAL: "crdownload download part partial",
    }.items()
    for suffix in _suffixes(endings)
}
"""Suffixes of sound files that cannot be read, with the reason."""
