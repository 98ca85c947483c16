"""One contract over every network with classes of its own."""

from __future__ import annotations

import pytest

from audiotl_cli.errors import WeightsError
from audiotl_cli.extractors.registry import extractor_class
from audiotl_cli.inference.ready import DEFAULTS, POOLINGS, ready_networks
from audiotl_cli.labels import SEPARATOR

CLASSES = [
    pytest.param(name, classes, id=f"{name} {classes.layer}")
    for name in ready_networks()
    for classes in extractor_class(name).classes()
]


def test_these_networks_have_classes() -> None:
    expected = {"musicnn", "yamnet", "birdnet", "ced-tiny", "ced-mini", "ced-small", "ced-base"}

    assert expected <= set(ready_networks())
    assert set(DEFAULTS) <= set(ready_networks())


@pytest.mark.parametrize(("name", "classes"), CLASSES)
def test_every_score_has_a_name_of_its_own(name: str, classes) -> None:  # type: ignore[no-untyped-def]
    try:
        names = classes.names()
    except WeightsError as error:
        pytest.skip(f"the names are in weights that are not at hand: {error}")
    layer = extractor_class(name).layers()[classes.layer]

    assert (len(names), layer.rows) == (layer.dim, 1)
    assert len(set(names)) == len(names)
    assert all(label and label == label.strip() and SEPARATOR not in label for label in names)
    assert classes.over in POOLINGS
