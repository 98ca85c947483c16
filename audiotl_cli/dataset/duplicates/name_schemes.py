"""How data sets and recorders name files, where the part that tells the source is known."""

from __future__ import annotations

_WHO_OR_WHERE = (
    "speaker spk subject subj sub patient participant person actor singer artist player child "
    "animal individual site station location loc plot"
)
_WITH_WHAT = "id section machine device recorder session"

KNOWN_SCHEMES = (
    r"(?:^|/)\d-(\d+)-[A-Z]",  # ESC-50: fold-SOURCE-take-class
    r"(?:^|/)(\d+)-\d+-\d+-\d+\.",  # UrbanSound8K: SOURCE-class-occurrence-slice
    r"([0-9a-f]{8})_nohash_",  # Speech Commands: SPEAKER_nohash_take
    r"(?:^|/)(?:\d\d-){6}(\d\d)\.",  # RAVDESS: six numbers, ACTOR
    r"(?:^|/)(\d\d)[ab]\d\d[A-Z][a-z]\.",  # EmoDB: SPEAKER, text, emotion, version
    r"(?:^|/)([FM]\d\d)[A-Z]\d\d[A-Z]?\.",  # ShEMO: SPEAKER, emotion, number
    r"([0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})",  # donateacry: PHONE-time-version-sex-age
    r"(?:^|/)(OAF?|YAF)_",  # TESS: SPEAKER_word_emotion
    r"(?:^|/)\d_(\d\d)_\d+\.",  # AudioMNIST: digit_SPEAKER_take
    r"(?:^|/)[a-z_]+-([a-z]+-\d+)-\d+(?:-[a-z\d]+)+\.",  # TAU: scene-CITY-PLACE-segment-device
    r"(?:^|/)([a-z]+_[a-z]+_\d{3})-\d{3}-\d{3}\.",  # NSynth: INSTRUMENT-pitch-velocity
    r"(?:^|/)\d+__(.+?)__[^/]*$",  # Freesound: sound__USER__title
    r"(?:^|/)[01]\.\d+_\d+_(.+)_[\d.]+s_[\d.]+s\.",  # BirdNET: score_rank_RECORDING_start_end
    r"(XC\d+)",  # xeno-canto: RECORDING
    r"(?:^|/)Y?(?=[-\w]*[a-z])(?=[-\w]*[A-Z])([-\w]{11})_\d+(?:_\d+)?\.",  # YouTube: VIDEO_start
    *(
        rf"(?i)(?:^|[/_. -])({word}(?:[-_ ][^/_. -]+|\d[^/_. -]*))"
        for word in _WHO_OR_WHERE.split()
    ),
    *(rf"(?i)(?:^|[/_. -])({word}[-_ ]?\d[^/_. -]*)" for word in _WITH_WHAT.split()),
)
"""Expressions whose first group is the source, tried in this order."""

_TAKES = """
    aug batch c ch channel chunk clip copy cut file fold i img index mic mono n nr no num number
    part piece r rec recording rep repeat repetition sample seg segment set slice snd sound
    split stereo t take test track train trial utt utterance v valid validation ver version x
"""
TAKES = frozenset(_TAKES.split())
"""Words before a number that counts, in lower case: ``take3`` is no source."""

_ATTRIBUTES = """
    angry anger calm disgust disgusted fear fearful happy happiness neutral sad sadness surprise
    surprised male female man woman boy girl left right center mono stereo front back near far
    close loud quiet soft silent low mid medium high slow fast short long small big large clean
    noisy dirty raw original processed filtered augmented normal abnormal indoor outdoor inside
    outside day night dawn dusk morning noon afternoon evening spring summer autumn winter song
    call alarm begging forte piano fortissimo pianissimo mezzo arco pizzicato
"""
ATTRIBUTES = frozenset(_ATTRIBUTES.split())
"""Words that describe a sound, and name no source."""

PEOPLE = frozenset({"f", "m", "p", "pat", "pt", "s", "sp", "spk", "st", "sub", "subj", "u", "user"})
"""Letters before a number that is one of a source, even if it comes once with every label."""
