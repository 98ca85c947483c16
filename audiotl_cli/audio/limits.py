"""What counts as a problem of a recording: every limit, and the reason for it.

ESC-10 is 400 clips of 5 s, Ogg Vorbis, from 250 sources; "copies" are its clips made quieter,
shifted by 5 and 8 ms, cut at both ends, and written as Ogg and MP3 at the lowest quality.
"""

from __future__ import annotations

SILENT_SWING = 2.0**-12
"""Half the distance from the lowest to the highest sample, below which a recording is silent:
eight steps of 16 bits. The quietest clip of ESC-10 has 0.08."""

LOST_IN_MIX = 0.02
"""Power of the mono mix, times the channels, as a share of their mean power: 1 where channels have
nothing in common or all but one are silent, 0 where they cancel. With less than this, 17 dB are
lost at least, and the audit says so; `predict` gives no label below `CANCELLED_SHARE`."""

BAND_EDGES = (8_000, 11_025, 24_000)
"""Hz. Networks hear nothing above half of their sample rate, which is 16 kHz of most, 22.05 kHz of
``mfcc``, and 48 kHz of ``birdnet`` and ``openl3``."""

BEYOND_SHARE = 0.99
"""Share of the power above an edge from which a network that ends there hears nothing worth the
name: what is left is 20 dB below. White noise at 768 kHz has 0.98 above 8 kHz."""

HIGH_RATE = 96_000
"""Hz. Recordings of a higher rate are reported: they may be of bats, of which no network hears
anything."""

FULL_SCALE = 0.99
"""From here up a sample is at full scale: of 8 bits, the highest is 0.992."""

CLIPPED_SHARE = 1e-3
"""Share of samples in flat runs at full scale, counted from the third sample of a run. One loud
moment does no harm; in ESC-10, one clip has 0.016 and the next 0.0003."""

DC_OFFSET = 0.01
"""Mean of the samples. ESC-10 reaches 0.0018."""

DC_OFFSET_SHARE = 0.1
"""The mean must also be this much of the deviation: a loud sound has a mean by chance."""

TOO_SHORT_S = 0.48
"""Half of the shortest window of the networks here (0.96 s): more than half of what a network gets
of a shorter recording is padding."""

UPSAMPLED_RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
"""Rates from which recordings are often upsampled, Hz."""

UPSAMPLED_TIMES = 1.8
"""How many times the lower rate a recording's rate must be. Compression at 44.1 or 48 kHz cuts
frequencies from 16 kHz up, which is not reported. An MP3 of 56 kbit/s or less is cut lower and is
reported: it holds no more than a recording of a lower rate would."""

UPSAMPLED_DROP_DB = 30.0
"""How far the spectrum must fall from just below half of the lower rate to just above it. Spectra
of ESC-10 that slope to their end fall by up to 25 dB there, those that are cut by 33 to 74 dB."""

UPSAMPLED_FLOOR_DB = -80.0
"""Level of a bin that must be exceeded below half of the lower rate, and not above it; rounding to
16 bits alone makes -101 dB. Without this limit, the side lobes of a pure tone would count."""

NEAR_DUPLICATE_ERROR = 0.25
"""Share of differing fingerprint bits up to which two stretches are one sound. Copies of ESC-10
differ in at most 0.19; the most similar different clips in 0.30, and in 0.35 from 100 words on."""

FEW_WORDS, NEAR_DUPLICATE_ERROR_FEW = 100, 0.20
"""Short stretches resemble each other more by chance: different baby cries of 1 s reach 0.22."""

LEAST_WORDS = 20
"""Recordings with less sound than this (0.6 s) are never near-duplicates."""

NEAR_DUPLICATE_SHARE = 0.5
"""How much of the shorter recording must be found in the other."""

SAME_SHARE = 0.8
"""How much of the longer recording two clips must share for different labels to be a conflict:
stretches that overlap by half may well have different labels."""

LOW_RATE = 16_000
"""Hz. Recordings of a lower rate are reported, though not as a problem: every network here takes
16 kHz or more, and their upper bands stay empty."""

INAUDIBLE_SWING = 2.0**-15
"""Half the distance from the lowest to the highest sample, up to which `predict` gives no label:
one step of 16 bits (-90 dBFS), the noise of a converter. Quiet recordings that the audit lists as
silent may still be heard."""

LEAST_SILENCE_S = 1.0
"""Shorter pauses without any sound are part of the sounds around them."""

OUT_OF_BAND_SHARE = 1e-3
"""Share of the power that resampling must leave; with less, what a network is given is at least 30
dB below what is in the recording, and `predict` gives no label. ESC-10 at 16 kHz keeps 0.2 or
more."""

CANCELLED_SHARE = 1e-3
"""Share of the mean power of the channels that their mix must hold; with less, they cancel each
other out, as where the wires of one microphone are swapped. Channels that have nothing to do with
each other keep a half of two, and one channel of n that is not silent keeps 1/n."""
