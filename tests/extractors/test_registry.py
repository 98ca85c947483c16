from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from audiotl_cli.errors import UsageError
from audiotl_cli.extractor_config import ExtractorConfig
from audiotl_cli.extractors import registry
from audiotl_cli.extractors.mfcc import MfccExtractor
from audiotl_cli.extractors.registry import extractor_class, list_extractors, load_extractor
from tests.extractors.fake import FakeExtractor


@pytest.fixture
def plugins(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[EntryPoint]]:
    """Entry points that other packages would have registered."""
    found: list[EntryPoint] = []

    def entry_points(*, group: str) -> list[EntryPoint]:
        assert group == "audiotl.extractors"
        return found

    monkeypatch.setattr(registry, "entry_points", entry_points)
    registry.entries_by_name.cache_clear()
    yield found
    registry.entries_by_name.cache_clear()


def entry(name: str, value: str) -> EntryPoint:
    return EntryPoint(name, value, "audiotl.extractors")


def test_default_is_first_and_built_in() -> None:
    assert list_extractors()[0] == "musicnn"
    assert {"musicnn", "mfcc"} <= set(list_extractors())


def test_load_passes_the_options_on() -> None:
    extractor = load_extractor("mfcc", hop_s=0.25, resampler="resampy")
    assert isinstance(extractor, MfccExtractor)
    assert extractor.config.resampler == "resampy"
    assert extractor.hop_s == pytest.approx(0.25, abs=1e-4)
    with pytest.raises(UsageError, match="mfcc has no layer 'x'"):
        load_extractor("mfcc", layer="x")


def test_unknown_name() -> None:
    with pytest.raises(
        UsageError, match="no extractor 'vgish'; choose from musicnn, openl3, mfcc, vggish, yamnet"
    ):
        load_extractor("vgish")


def test_weights_for_an_extractor_without() -> None:
    with pytest.raises(UsageError, match="mfcc does not accept other weights than its own"):
        load_extractor("mfcc", weights="w.h5")


def test_plug_in_is_listed_and_loaded(plugins: list[EntryPoint]) -> None:
    plugins.append(entry("fake", "tests.extractors.fake:FakeExtractor"))
    assert list_extractors()[-1] == "fake"
    assert extractor_class("fake") is FakeExtractor
    assert load_extractor("fake", hop_s=0.5).hop_s == 0.5


@pytest.mark.parametrize("value", ["no_such_module:X", "tests.extractors.fake:NoSuchClass"])
def test_plug_in_that_cannot_be_imported_harms_only_itself(
    plugins: list[EntryPoint], value: str
) -> None:
    plugins.append(entry("broken", value))
    assert "broken" in list_extractors()
    assert load_extractor("mfcc").dim == 120
    with pytest.raises(UsageError, match=r"the extractor 'broken' \(.*\) cannot be loaded: "):
        load_extractor("broken")


def test_two_plug_ins_of_one_name_are_not_guessed_between(plugins: list[EntryPoint]) -> None:
    plugins.append(entry("mfcc", "elsewhere:Mfcc"))
    with pytest.raises(UsageError, match=r"two extractors are called 'mfcc': .*uninstall one"):
        list_extractors()


def test_listing_and_mfcc_import_no_network() -> None:
    script = (
        "import sys\n"
        "from audiotl_cli.extractors.registry import list_extractors, load_extractor\n"
        "list_extractors(); load_extractor('mfcc')\n"
        "print(sorted({'tensorflow', 'sklearn', 'scipy', 'soxr'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.stdout == "[]\n"


def test_a_configuration_goes_to_the_extractor_and_back() -> None:
    config = ExtractorConfig("mfcc", hop_s=0.5, resampler="resampy")
    extractor = load_extractor(config)
    assert extractor.config.resampler == "resampy"
    assert extractor.config.layer == "statistics"
    assert load_extractor(extractor.config).describe() == extractor.describe()
    assert load_extractor(config, hop_s=0.25).hop_s == pytest.approx(0.25, abs=1e-4)
