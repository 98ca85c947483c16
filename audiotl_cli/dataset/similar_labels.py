"""Labels that are probably meant to be one: spelt alike but for case, blanks, accents or a slip."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping

from audiotl_cli.spelling import is_one_slip_away

RARE, TIMES_MORE, LONG_WORD = 2, 5, 6
"""A label of a few clips is taken for a slip if another one, spelt nearly the same, has many times
more, and both are long."""

Group = tuple[list[str], str]
"""Labels, and how they differ."""


def similar_labels(counts: Mapping[str, int]) -> list[Group]:
    """Return groups of labels that are probably one.

    Parameters
    ----------
    counts : mapping
        Label, with any blanks around it, to its clips.
    """
    by_key: dict[str, list[str]] = defaultdict(list)
    for label in sorted(counts):
        by_key[_key(label)].append(label)
    groups = [(labels, _difference(labels)) for labels in by_key.values() if len(labels) > 1]
    most = {key: sum(counts[label] for label in labels) for key, labels in by_key.items()}
    for rare, key in _slips(most):
        groups.append(([*by_key[key], *by_key[rare]], "in one letter"))
    return groups


def describe_similar(counts: Mapping[str, int]) -> list[str]:
    """Return a warning for every group of labels that are probably one."""
    texts = []
    for labels, difference in similar_labels(counts):
        names = ", ".join(f"{_shown(label, labels)} ({counts[label]})" for label in labels)
        if len({label.strip() for label in labels}) == 1:
            texts.append(f"blanks around labels do not count, so these are one: {names} clips")
            continue
        texts.append(
            f"labels that differ only {difference}: {names} clips. If they mean the same, give "
            "them one name (rename the folders, or edit the table) and run audiotl index again"
        )
    return texts


def _key(label: str) -> str:
    """Return what is the same for labels that are probably one."""
    text = _without_accents(_visible(label).casefold())
    number = _number(text.strip())
    if number != text.strip():
        return number
    # signs between words count as blanks, but not those of numbers such as -5 or 1.5
    text = re.sub(r"(?<!\d)[-_.,'\u2019]+(?!\d)|_", " ", text)
    words = text.split()
    joined = "".join(
        word if i == 0 or not _touch(words[i - 1], word) else f" {word}"
        for i, word in enumerate(words)
    )
    return joined or label


def _touch(before: str, after: str) -> bool:
    """Return whether two words would make another number if they were written together."""
    return before[-1].isdecimal() and after[0].isdecimal()


def _difference(labels: list[str]) -> str:
    plain = {label: " ".join(_visible(label).split()) for label in labels}
    forms = {
        "in how accents are encoded": {unicodedata.normalize("NFC", label) for label in labels},
        "in blanks": set(plain.values()),
        "in upper and lower case or blanks": {text.casefold() for text in plain.values()},
        "as numbers are written": {_number(text) for text in plain.values()},
        "in accents": {_without_accents(text.casefold()) for text in plain.values()},
    }
    same = (difference for difference, found in forms.items() if len(found) == 1)
    return next(same, "in case, blanks, accents or signs between words")


def _visible(label: str) -> str:
    """Return a label with usual forms of letters, and without letters that have no width."""
    text = unicodedata.normalize("NFKC", label)
    return "".join(sign for sign in text if unicodedata.category(sign) != "Cf")


def _without_accents(text: str) -> str:
    apart = unicodedata.normalize("NFD", text)
    return "".join(sign for sign in apart if not unicodedata.combining(sign))


def _number(text: str) -> str:
    """Return a number in one form, 1 for 01 and 1.0; any other text as it is."""
    if not re.fullmatch(r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?", text):
        return text
    return f"{float(text):.15g}"


def _slips(counts: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """Yield rare texts with the frequent one of which they are one slip away."""
    rare = [key for key, n in counts.items() if n <= RARE and len(key) >= LONG_WORD]
    for key in rare:
        for other, n in counts.items():
            many = n >= TIMES_MORE * counts[key] and len(other) >= LONG_WORD
            if many and n > RARE and _is_slip(key, other):
                yield key, other
                break


def _is_slip(text: str, other: str) -> bool:
    """Return whether texts differ by one slip that makes no other word or number of it."""
    if text[0] != other[0] or re.sub(r"\D", "", text) != re.sub(r"\D", "", other):
        return False
    short, long = sorted((text, other), key=len)
    if long in (f"{short}s", f"{short}es"):  # plurals
        return False
    return is_one_slip_away(text, other)


def _shown(label: str, others: list[str]) -> str:
    """Return a label as it can be told from the others on a screen."""
    looks = [unicodedata.normalize("NFC", other) for other in others]
    if looks.count(unicodedata.normalize("NFC", label)) > 1:
        return ascii(label)
    return repr(label)
