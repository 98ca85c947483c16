"""How data sets, recorders and people name recordings, and what names tell of the sources."""

from __future__ import annotations

import hashlib
import random
import re
import uuid
from collections.abc import Iterable
from itertools import product

import pytest

from audiotl_cli.dataset.duplicates.suggested_groups import suggest_groups
from audiotl_cli.dataset.index import Clip

Names = Iterable[tuple[str, str]]
"""Paths with their labels."""

draw = random.Random(1)


def a_hash(seed: object) -> str:
    return hashlib.md5(str(seed).encode()).hexdigest()


def a_uuid() -> uuid.UUID:
    return uuid.UUID(int=draw.getrandbits(128))


def coughs(number: int, *, per_day: int = 16) -> Names:
    """Yield a label, day, patient, sex and age, and a number of every cough."""
    for patient in range(16):
        label, sex, age = "np"[patient % 2], draw.choice("mf"), draw.randrange(20, 70)
        day, of_day = divmod(patient, per_day)
        for take in range(draw.choice((5, 7, 9, 10))):
            name = f"042{day}-{number + of_day:03d}-cough-{sex}-{age}-{take}"
            yield f"{label}/{label}-{name}.mp3", label


def emotions(speakers: Iterable[str], form: str, takes: Iterable[object]) -> Names:
    for speaker, emotion, take in product(speakers, ("ANG", "HAP", "SAD"), takes):
        yield form.format(s=speaker, e=emotion, t=take), emotion


def nested(form: str, labels: str, n_sources: int, takes: Iterable[object]) -> Names:
    """Yield names of sources that have one label each, and are numbered through."""
    for (i, label), source, take in product(enumerate(labels), range(n_sources), takes):
        yield form.format(l=label, s=i * n_sources + source + 1, t=take), label


def shared(form: str, labels: Iterable[str], sources: Iterable[object], n: int = 3) -> Names:
    """Yield names of sources that have every label."""
    for label, source, take in product(labels, sources, range(1, n + 1)):
        yield form.format(l=label, s=source, t=take), label


def readers() -> Names:
    """Yield a reader, a chapter that only this reader read, and a sentence."""
    chapters = {84: (121123, 121550), 174: (50561, 84280), 251: (118436, 136532), 422: (122949,),
                652: (129742, 130726), 777: (126732,)}  # fmt: skip
    for i, (reader, read) in enumerate(chapters.items()):
        for chapter, sentence in product(read, range(8)):
            yield f"{reader}-{chapter}-{sentence:04d}.flac", "mf"[i % 2]


def babies() -> Names:
    """Yield the phone, milliseconds, version, sex, age and reason of cries."""
    for _ in range(40):
        phone, sex = a_uuid(), draw.choice("mf")
        for reason in draw.choices(("hu", "bp", "dc"), k=draw.choice((1, 2, 4))):
            when = 1430760379259 + draw.randrange(10**9)
            yield f"{reason}/{phone}-{when}-1.7-{sex}-26-{reason}.wav", reason


def recordings_in_parts() -> Names:
    for (i, label), recording in product(enumerate("ab"), range(8)):
        for part in range(draw.choice((3, 4, 6))):
            yield f"{label}/rec{i * 10 + recording}_seg{part:03d}.wav", label


def schedule(form: str, places: Iterable[str], days: int = 3) -> Names:
    for place, day, time in product(places, range(days), ("0545", "0600", "0615")):
        yield form.format(s=place, d=f"2019030{day + 1}", t=time), draw.choice("xy")


FIVE = ("anna", "ben", "carla", "dan", "eve")
SOURCES: dict[str, tuple[Names, int]] = {
    "patients": (coughs(83), 16),
    "patients from 1": (coughs(1), 16),
    "patients of each day": (coughs(1, per_day=4), 16),
    "ESC-50": (nested("{l}/1-{s}00032-{t}-0.wav", "abc", 20, "AB"), 60),
    "UrbanSound8K": (nested("fold1/{s}00032-3-0-{t}.wav", "ab", 20, range(4)), 40),
    "RAVDESS": (
        (
            (f"03-01-{e:02d}-01-0{s}-0{r}-{a:02d}.wav", "abcd"[e - 1])
            for e, s, r, a in product(range(1, 5), (1, 2), (1, 2), range(1, 25))
        ),
        24,
    ),
    "CREMA-D": (emotions(map(str, range(1001, 1031)), "{s}_{t}_{e}_XX.wav", ("DFA", "IEO")), 30),
    "EmoDB": (
        (
            (f"{s:02d}a{t:02d}{e}{v}.wav", e)
            for s, t, e, v in product(range(3, 17), (1, 2), "FNW", "ab")
        ),
        14,
    ),
    "SAVEE": (emotions(("DC", "JE", "JK", "KL"), "{s}_{e[0]}{t:02d}.wav", range(1, 16)), 4),
    "JL corpus": (emotions(("male1", "male2", "female1"), "{s}_{e}_{t}a_1.wav", range(1, 6)), 3),
    "FSDD": (shared("{l}_{s}_{t}.wav", "0123456789", ("jackson", "nicolas", "theo")), 3),
    "AudioMNIST": (
        (
            (f"{s:02d}/{d}_{s:02d}_{t}.wav", str(d))
            for s, d, t in product(range(1, 21), range(10), range(3))
        ),
        20,
    ),
    "LibriSpeech": (readers(), 6),
    "VCTK": (nested("p{s}_{t:03d}.wav", "mf", 6, range(1, 20)), 12),
    "Speech Commands": (
        ((f"{w}/{a_hash(s)[:8]}_nohash_0.wav", w) for w, s in product(("yes", "no"), range(20))),
        20,
    ),
    "VocalSound": (
        (
            (f"{'fm'[s % 2]}{s:04d}_0_{c}.wav", c)
            for c, s in product(("cough", "sneeze"), range(3, 60))
        ),
        57,
    ),
    "TUT scenes": (nested("{l}/a{s:03d}_{t}.wav", "abc", 7, ("0_10", "10_20", "20_30")), 21),
    "TAU scenes": (
        (
            (f"{scene}-{city}-{place}-{n}-{d}.wav", scene)
            for scene, city, place, n, d in product(
                ("airport", "metro_station"), ("paris", "lyon"), range(3), range(4), "ab"
            )
        ),
        6,
    ),
    "NSynth": (
        (
            (f"{f}_acoustic_{i:03d}-{p:03d}-{v:03d}.wav", f)
            for f, i, p, v in product(("bass", "flute"), range(5), (40, 50), (25, 127))
        ),
        10,
    ),
    "MIMII": (shared("{l}_id_0{s}_{t:08d}.wav", ("normal", "anomaly"), (0, 2, 4, 6)), 4),
    "ICBHI": (
        (
            (f"{p}_{a}b1_{place}_sc_Meditron.wav", "ch"[p % 2])
            for p, a, place in product(range(101, 131), (1, 2), ("Al", "Ar"))
        ),
        30,
    ),
    "donateacry": (babies(), 40),
    "cats": (
        (
            (f"{c}_ANI{a:02d}_{'ME'[a % 2]}C_F{'NI'[a % 2]}_SIM0{a % 3}_{t}01.wav", c)
            for c, a, t in product("BFI", range(1, 16), range(1, 4))
        ),
        15,
    ),
    "xeno-canto in parts": (nested("{l}/XC1000{s:02d}_{t}.wav", "ab", 10, range(4)), 20),
    "Freesound": (
        (
            (f"{w}/{draw.randrange(10**5, 10**6)}__{u}__rain-{n}.wav", w)
            for w, u, n in product(
                ("wet", "dry"), ("inspectorj", "felix_blume", "klankbeeld", "juskiddink"), range(4)
            )
        ),
        4,
    ),
    "s01_a_1": (shared("s{s:02d}_{l}_{t}.wav", "abc", range(1, 11)), 10),
    "one recording of every subject": (shared("{l}/s{s:02d}.wav", "abc", range(1, 11), 1), 10),
    "numbers before takes": (shared("{l}_{s:02d}_{t}.wav", ("yes", "no"), range(1, 13)), 12),
    "names with takes": (shared("{l}/{s}{t}.wav", ("yes", "no"), FIVE), 5),
    "children": (shared("Child_{s}_{l}_{t}.wav", ("Hungry", "Tired"), range(1, 9)), 8),
    "folders of patients": (shared("{l}/patient_{s:02d}/{t}.wav", "ab", range(12)), 12),
    "folders of numbers": (shared("{l}/{s}/{t}.wav", "ab", range(1, 12)), 22),
    "folders of people": (
        ((f"{a_hash(s)[:20]}/{k}.wav", "pn"[s % 2]) for s, k in product(range(30), FIVE)),
        30,
    ),
    "recordings in parts": (recordings_in_parts(), 16),
    "videos in parts": (nested("{l}/vid{s:02d}_{t}.wav", "ab", 8, (0, 5, 10)), 16),
    "seconds of recordings": (
        (
            (f"{c}/rec{i * 8 + n}_{s:.1f}-{s + 3:.1f}.wav", c)
            for (i, c), n, s in product(enumerate("ab"), range(8), (0.0, 3.0, 6.0))
        ),
        16,
    ),
    "segments of BirdNET": (
        (
            (f"{c}/0.9{n}_{n}_S4A_20230501_06{i * 8 + n:02d}00_{s:.1f}s_{s + 3:.1f}s.wav", c)
            for (i, c), n, s in product(enumerate("ab"), range(8), (0.0, 3.0))
        ),
        16,
    ),
    "patients on days": (
        (
            (f"{c}/2020-04-{n + 3:02d}_{i * 8 + n:03d}_{t}.wav", c)
            for (i, c), n, t in product(enumerate("ab"), range(8), range(5))
        ),
        16,
    ),
    "sites and dates": (schedule("SITE{s}_{d}_{t}.wav", "1234"), 4),
    "recorders and dates": (schedule("S4A0{s}_{d}_{t}00.wav", ("1234", "5678", "9012")), 3),
    "letters and dates": (schedule("{s}_{d}_{t}00.wav", "ABCD"), 4),
    "folders of sites": (schedule("site{s}/{d}_{t}00.WAV", "ABCD"), 4),
    "days of a recorder with a schedule": (schedule("{d}_{t}00.WAV", "A", days=6), 6),
    "no labels": (((name, "") for name, _ in nested("s{s:02d}_{t}.wav", "a", 10, "123")), 10),
    "one label": (nested("s{s:02d}_{t}.wav", "a", 10, "123"), 10),
}

NO_SOURCES: dict[str, Names] = {
    "two speakers, of whom a split needs both": emotions(
        ("OAF", "YAF"), "{s}_{t}_{e}.wav", ("back", "bar", "base", "bath")
    ),
    "cat_001": shared("{l}/{l}_{t:03d}.wav", ("cat", "dog", "bird"), [""], 30),
    "labels in names": shared("{l}_{t:03d}.wav", ("cat", "dog"), [""], 30),
    "numbers": shared("{l}/{t:03d}.wav", ("cat", "dog", "bird"), [""], 30),
    "labels of two words": shared(
        "{l}/{l}_{t:02d}.wav", ("door_knock", "door_bell", "car_horn"), [""], 24
    ),
    "the demo": shared("{l}/{l}-{t:02d}.wav", ("alarm", "plucked_string", "rain"), [""], 24),
    "GTZAN": shared("{l}/{l}.{t:05d}.wav", ("blues", "rock"), [""], 50),
    "UUIDs": ((f"{label}/{a_uuid()}.wav", label) for label, _ in product("ab", range(2000))),
    "hashes": ((f"{s}/{a_hash((s, n))}.wav", s) for s, n in product("ab", range(99))),
    "short hashes": (
        (f"{label}/{a_hash((label, n))[:8]}.wav", label) for label, n in product("ab", range(99))
    ),
    "FSD50K": ((f"{64000 + n}.wav", "abc"[n % 3]) for n in range(100)),
    "camera": shared("{l}/IMG_{t:04d}.wav", "ab", [""], 30),
    "copies": shared("{l}/{l} ({t}).wav", "abc", [""], 20),
    "voice memos": shared("{l}/New Recording {t}.m4a", "ab", [""], 20),
    "messages": (
        (f"{label}/AUD-202305{draw.randrange(1, 28):02d}-WA{n:04d}.m4a", label)
        for label, n in product("ab", range(30))
    ),
    "telephone": (
        (f"{label}/2023050{n % 4 + 1}_{draw.randrange(100000, 235959)}.m4a", label)
        for label, n in product("ab", range(20))
    ),
    "takes": shared("{l}_take{t}.wav", ("dog", "cat", "cow"), [""], 19),
    "microphones": shared("{l}_{t:03d}_mic{s}.wav", ("dog", "cat"), (1, 2, 3), 10),
    "heart sounds": shared("{l}/a{t:04d}.wav", ("normal", "abnormal"), [""], 49),
    "xeno-canto": (
        (f"{name}/{name} - XC{draw.randrange(10**9)} - {draw.choice(('song', 'call'))}.mp3", name)
        for name in ("Turdus merula", "Turdus viscivorus", "Parus major") for _ in range(9)
    ),
    "loudness": shared("{l}_{s}_{t}.wav", ("dog", "cat"), ("loud", "quiet", "far"), 7),
    "distances": shared("{l}_{s}m_{t}.wav", ("gun", "horn"), (10, 20, 50, 100), 7),
    "kinds": (
        (f"{label}_{kind}_{t}.wav", label)
        for label, kinds in {"dog": ("bark", "growl", "whine"), "cat": ("meow", "hiss")}.items()
        for kind, t in product(kinds, range(1, 8))
    ),
    "notes": (
        (f"{i}_{n}{octave}_{s}_{how}_normal.mp3", i)
        for i, n, octave, s, how in product(
            ("cello", "flute"), "ABCDE", (3, 4), ("025", "05", "1"), ("forte", "mezzo-forte")
        )
    ),
    "seconds": ((f"{label}/{label}_{n * 5}_{n * 5 + 5}.wav", label) for label, n in
                product(("owl", "frog"), range(30))),
    "stock sounds": (
        (f"{a}/{draw.choice(('big-', 'small-', ''))}{a}-barking-{draw.randrange(10**5)}.mp3", a)
        for a, _ in product(("dog", "cat", "fox"), range(20))
    ),
    "folds": ((f"{label}/fold{n % 5}/{n}.wav", label) for label, n in product("ab", range(50))),
    "splits": shared("{s}/{l}/{t}.wav", "ab", ("train", "valid", "test"), 20),
    "years": shared("{s}/{l}/{t}.wav", "ab", (2021, 2022, 2023), 20),
    "places of a kind": shared("{l}/{s}/{t}.wav", "ab", ("indoor", "outdoor", "street"), 20),
    "speakers as labels": (
        (f"{d}_{name}_{t}.wav", name) for d, name, t in product(range(10), FIVE, range(5))
    ),
    "a label from one source": [
        *nested("s{s:02d}_{t}.wav", "ab", 5, "123"), *((f"s50_{t}.wav", "c") for t in "123")
    ],
    "one file": [("x.wav", "a")],
    "no endings": [(f"a/{n}", "a") for n in range(10)],
}  # fmt: skip


def clips_of(names: Names) -> list[Clip]:
    return [Clip(path, label) for path, label in names]


@pytest.mark.parametrize("name", SOURCES)
def test_names_that_tell_the_source(name: str) -> None:
    names, n_sources = SOURCES[name]
    clips = clips_of(names)

    found = suggest_groups(clips)

    assert found is not None
    assert found.n_groups == n_sources
    matches = [re.search(found.expression, clip.path) for clip in clips]
    assert len({match[1] for match in matches if match}) == n_sources


@pytest.mark.parametrize("name", NO_SOURCES)
def test_names_that_tell_no_source(name: str) -> None:
    assert suggest_groups(clips_of(NO_SOURCES[name])) is None


def test_sources_that_splits_keep_apart_already_are_not_suggested() -> None:
    names = list(shared("s{s:02d}_{l}_{t}.wav", "abc", range(1, 11)))

    def split(n_train: int) -> list[Clip]:
        return [
            Clip(p, label, split="train" if p < f"s{n_train:02d}" else "test") for p, label in names
        ]

    assert suggest_groups(split(6)) is None
    divided = suggest_groups(
        [Clip(p, label, split=("train", "test")["_1" in p]) for p, label in names]
    )
    assert divided is not None
    assert divided.n_divided == 10
    assert suggest_groups([Clip(p, label, group="x") for p, label in names]) is None
