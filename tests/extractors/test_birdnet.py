"""BirdNET against values of the published file, whose weights are fetched."""

from __future__ import annotations

import numpy as np
import pytest

from audiotl_cli.errors import WeightsError
from audiotl_cli.extractors.birdnet import WEIGHTS, BirdnetExtractor, species_at, species_names
from audiotl_cli.extractors.licences import accept
from audiotl_cli.extractors.weights import fetch
from tests.extractors.golden import FOLDER, golden, scene

SCENES = ["scene16k", "scene44k", "stereo22k", "scene48k", "sine1k"]


@pytest.fixture(scope="module", autouse=True)
def weights() -> None:
    """Have the published weights, or skip."""
    try:
        accept(WEIGHTS)
        fetch(WEIGHTS)
    except WeightsError as error:
        pytest.skip(f"the published weights cannot be had: {error}")


@pytest.mark.parametrize("hop_s", [3.0, 1.0])
@pytest.mark.parametrize("name", SCENES)
def test_embeddings_equal_the_published_file(name: str, hop_s: float) -> None:
    expected = golden("birdnet", name)

    found = BirdnetExtractor(hop_s=hop_s).embed(*scene(name))

    reference = expected[f"embedding_{hop_s:.0f}s"]
    difference = np.linalg.norm(found.frames - reference, axis=1)
    assert (difference / np.linalg.norm(reference, axis=1)).max() < 1e-4
    np.testing.assert_array_equal(found.times, expected[f"starts_{hop_s:.0f}s"])


@pytest.mark.parametrize("name", SCENES)
def test_scores_equal_the_published_file(name: str) -> None:
    expected = golden("birdnet", name)
    best = expected["top20_index_3s"]

    scores = BirdnetExtractor(layer="scores", hop_s=3.0).embed(*scene(name)).frames

    for columns, logits in (
        (best, expected["top20_logit_3s"]),
        (np.arange(64)[None], expected["logits_head_3s"]),
    ):
        found = np.take_along_axis(scores, np.broadcast_to(columns, logits.shape), axis=1)
        np.testing.assert_allclose(found, 1 / (1 + np.exp(-logits)), rtol=0, atol=1e-5)
    np.testing.assert_array_equal(np.argmax(scores, axis=1), best[:, 0])


def test_images_equal_the_published_file() -> None:
    waveform, _ = scene("scene48k")

    (image, *_) = BirdnetExtractor(hop_s=3.0).front_end(waveform[:144_000].astype(np.float32))

    for number, name in enumerate(("mel_spec1", "mel_spec2")):
        expected = golden("birdnet", "scene48k")[name]
        np.testing.assert_allclose(image[number][:, ::16], expected, rtol=0, atol=1e-4)


def test_the_level_of_a_recording_makes_no_difference() -> None:
    waveform, rate = scene("scene48k")

    loud, quiet = (BirdnetExtractor().embed(waveform * gain, rate).frames for gain in (1, 0.1))

    assert np.abs(loud - quiet).max() < 1e-2


def test_every_sample_is_in_a_window() -> None:
    network = BirdnetExtractor()

    n_samples = [1, 144_000, 144_001, 144_000 + 72_000, 144_000 + 72_001]

    assert [network.framing.n_windows(n) for n in n_samples] == [1, 1, 2, 2, 3]


def test_the_species_have_names() -> None:
    names = species_names()

    assert len(names) == BirdnetExtractor.layers()["scores"].dim == 6522
    assert names[0] == "Abroscopus albogularis_Rufous-faced Warbler"


def test_species_of_a_place_equal_the_published_file() -> None:
    """The values are those of TensorFlow's interpreter; a week of -1 is the whole year."""
    with np.load(FOLDER / "birdnet_places.npz") as expected:
        places, best = expected["places"], expected["best"]
        probabilities, every_hundredth = expected["probabilities"], expected["every_hundredth"]
        n_species = expected["n_species"]
    assert -1 in places[:, 2]

    for number, (latitude, longitude, week) in enumerate(places):
        found = species_at(latitude, longitude, int(week))

        np.testing.assert_allclose(found[best[number]], probabilities[number], rtol=0, atol=1e-5)
        np.testing.assert_allclose(found[::100], every_hundredth[number], rtol=0, atol=1e-5)
        assert np.count_nonzero(found >= 0.03) == n_species[number]


def test_blackbirds_and_no_kookaburras_live_in_berlin_in_may() -> None:
    names = species_names()

    found = dict(zip(names, species_at(52.5, 13.4, 18), strict=True))

    assert found["Turdus merula_Eurasian Blackbird"] > 0.9
    assert found["Dacelo novaeguineae_Laughing Kookaburra"] < 0.001
