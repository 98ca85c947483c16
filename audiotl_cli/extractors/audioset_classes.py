"""The display names of AudioSet's classes, of which taggers give scores.

Gemmeke et al., *Audio Set: An ontology and human-labeled dataset for audio events*, ICASSP 2017;
the names and their order are those of its ``class_labels_indices.csv``.
"""

from __future__ import annotations

from importlib import resources

CLASS_NAMES = tuple(
    resources.files("audiotl_cli.extractors")
    .joinpath("audioset_classes.txt")
    .read_text(encoding="utf-8")
    .splitlines()
)
"""All 527 classes, in AudioSet's order."""
