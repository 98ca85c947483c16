"""What counts as a fault of a recording: every limit, and the reason for it.

ESC-10 is 400 clips of 5 s, Ogg Vorbis, from 250 sources; "copies" are its clips made quieter,
shifted by 5 and 8 ms, cut at both ends, and written as Ogg and MP3 at the lowest quality.
"""

from __future__ import annotations

SILENT_SWING = 2.0**-12
"""Half the distance from the lowest to the highest sample, below which a recording is silent:
eight steps of 16 bits. The quietest clip of ESC-10 has 0.08."""

FULL_SCALE = 0.99
"""From here up a sample is at full scale: of 8 bits, the highest is 0.992."""

CLIPPED_SHARE = 1e-3
"""Share of samples in flat runs at full scale, counted from the third of a run. One loud moment
harms nothing; of ESC-10, one clip has 0.016 and the next 0.0003."""

DC_OFFSET = 0.01
"""Mean of the samples. ESC-10 reaches 0.0018."""

DC_OFFSET_SHARE = 0.1
"""The mean must also be this much of the deviation: a loud sound has a mean by chance."""

TOO_SHORT_S = 0.48
"""Half of the shortest window of the networks here (0.96 s): of a shorter recording, more than
half of what any of them sees is padding."""

UPSAMPLED_RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
"""Rates that recordings are brought up from, Hz."""

UPSAMPLED_TIMES = 1.8
"""How many times as high the rate must be. Compression cuts at 16 kHz and above, of 44.1 or
48 kHz: that is not looked at. An MP3 of 56 kbit/s or less has its wall below, and is told: it
holds no more than a lower rate would."""

UPSAMPLED_DROP_DB = 30.0
"""From just below half of the lower rate to just above it. Sounds of ESC-10 whose slope goes on
to the end of the spectrum fall by up to 25 dB there, those that end in a wall by 33 to 74."""

UPSAMPLED_FLOOR_DB = -80.0
"""What is above must not be louder, a bin, nor what is below quieter; rounding to 16 bits alone
makes -101 dB. (Without, the skirts of a pure tone would be taken for sound.)"""

NEAR_ERROR = 0.25
"""Share of differing fingerprint bits up to which two stretches are one sound. Copies of ESC-10
differ in 0.19 at most; of different clips, the most alike in 0.30, and in 0.35 from 100 words
on."""

FEW_WORDS, NEAR_ERROR_FEW = 100, 0.20
"""Short stretches are alike more easily: of a second, different cries of a baby reach 0.22."""

LEAST_WORDS = 20
"""Less sound than this (0.6 s) is never said to be a near-duplicate."""

NEAR_SHARE = 0.5
"""How much of the shorter recording must be found in the other."""

SAME_SHARE = 0.8
"""How much of the longer one, for two labels to be at odds: stretches that overlap by half may
well have two."""

ODD_RATE = 16_000
"""Recordings of a lower rate are told of (no problem): every network here asks for 16 kHz or
more, and hears nothing in the upper part then."""
