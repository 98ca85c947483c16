"""The page in a real browser, from disk, without a network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audiotl_cli.evaluation.clips import EvaluatedClip
from audiotl_cli.evaluation.evaluation import Source
from audiotl_cli.evaluation.measure import ScoredClips, measure
from audiotl_cli.evaluation.report.page import render
from tests.evaluation.report.results import EVIL, LABELS, evaluation, record


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("page")
    record(folder / "sounds")
    page = folder / "report.html"
    text = render(
        replace(evaluation(), title="A <b>title</b>"), root=folder / "sounds", folder=folder
    )
    page.write_text(text, encoding="utf-8")
    return page.as_uri()


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: dialog.dismiss())
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    yield page
    context.close()
    assert said == []
    assert {url.split(":")[0] for url in asked} <= {"file", "data"}


def test_names_are_shown_as_they_are(page: Any) -> None:
    assert page.locator("h1").inner_text() == "A <b>title</b>"
    assert page.locator(".matrix tbody th").first.text_content() == LABELS[0]
    assert page.locator("#list .name").first.inner_text() == EVIL
    assert page.locator("main img[src=x], main script").count() == 0


def test_a_cell_filters_by_mouse_and_by_keyboard(page: Any) -> None:
    assert page.locator("#list > li").count() == 2  # the mistakes

    page.locator(".matrix button").nth(3).click()

    assert (
        page.locator("#shown").inner_text()
        == f"1 clip: labelled {LABELS[1]}, predicted {LABELS[2]}"
    )
    assert page.locator("#list .name").all_inner_texts() == ["b/3.wav"]
    assert page.locator(".matrix [aria-pressed=true]").count() == 1
    page.locator(".matrix button").nth(4).focus()
    page.keyboard.press("Enter")
    assert page.locator("#list .name").all_inner_texts() == ["c/5.wav", "c/4 #%.wav"]
    page.locator("#all").press("Enter")
    assert page.locator("#list > li").count() == 6


def test_players_play_what_is_inside_and_what_is_beside(page: Any) -> None:
    ready = """async (source) => {
        const audio = document.querySelector("#list audio");
        if (source) audio.src = source;
        audio.load();
        await new Promise((done, fail) => {
            audio.onloadedmetadata = done; audio.onerror = () => fail(audio.error.message);
            audio.preload = "auto";
        });
        return audio.duration;
    }"""

    assert page.locator("#list audio").first.get_attribute("preload") == "none"
    assert page.evaluate(ready, None) == pytest.approx(1.0, abs=0.15)
    beside = page.locator("#list .file a").first.get_attribute("href")
    assert page.evaluate(ready, beside) == pytest.approx(1.0, abs=0.05)


def test_tables_sort(page: Any) -> None:
    heading = page.locator("h2#labels + .wide th button", has_text="recall")
    names = page.locator("h2#labels + .wide tbody th")

    heading.click()
    heading.click()

    assert names.all_text_contents() == LABELS[::-1]
    assert heading.locator("..").get_attribute("aria-sort") == "descending"


def test_dots_can_be_reached_and_chosen(page: Any) -> None:
    page.locator(".dot").first.focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("#pointed").inner_text().startswith("a/1.wav: <script>")

    page.keyboard.press("Enter")

    assert page.locator("#picked .name").inner_text() == "a/1.wav"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark_on_a_phone(page: Any, scheme: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme=scheme)

    width = page.evaluate("document.documentElement.scrollWidth")

    assert width <= 390
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    brightness = sum(map(int, ground.removeprefix("rgb(").removesuffix(")").split(",")))
    assert (brightness > 600) == (scheme == "light")


def test_it_prints(page: Any) -> None:
    assert page.pdf().startswith(b"%PDF")


LONG = [f"Turdus number {i} of a very long name, juvenile call of type {i % 7}" for i in range(60)]


def many_labels(folder: Path) -> str:
    """Write the page of sixty long labels, and return its address."""
    truth = np.repeat(np.arange(60), 4)
    scores = np.random.default_rng(0).random((240, 60))
    scores[np.arange(240), truth] += 0.6
    clips = [EvaluatedClip(f"a/{i}.wav", LONG[label]) for i, label in enumerate(truth)]
    found = measure("t", ScoredClips(clips, LONG, [scores]), Source(), 0)
    page = folder / "report.html"
    page.write_text(render(found, root=None, folder=folder), encoding="utf-8")
    return page.as_uri()


@pytest.mark.parametrize("width", [375, 1280])
def test_many_long_labels_stay_on_the_page(browser: Any, tmp_path: Path, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800})
    one = context.new_page()
    one.goto(many_labels(tmp_path))

    assert one.evaluate("document.documentElement.scrollWidth") == width
    box = one.locator("h2#confusion ~ .wide")
    assert box.evaluate("box => box.scrollWidth > box.clientWidth")
    assert box.evaluate("box => box.getBoundingClientRect().right <= innerWidth")
    name = one.locator(".matrix tbody th .cut").first
    assert name.get_attribute("title") in LONG
    assert name.text_content() == name.get_attribute("title")
    start, end = (name.locator("span").nth(i) for i in (0, 1))
    assert start.evaluate("span => span.scrollWidth > span.clientWidth")
    assert end.evaluate("span => span.getBoundingClientRect().right <= innerWidth")
    context.close()


def test_spectrograms_have_axes(page: Any) -> None:
    shown = page.locator("#list .spectrogram").first
    assert shown.locator(".khz span").all_inner_texts() == ["0.5", "2", "8"]
    assert shown.locator(".seconds span").all_inner_texts() == [
        "0", "0.2", "0.4", "0.6", "0.8", "s"
    ]  # fmt: skip
    assert shown.locator(".unit").first.inner_text() == "kHz"
    heights = shown.locator(".khz span").evaluate_all(
        "spans => spans.map(span => span.getBoundingClientRect().top)"
    )
    assert heights == sorted(heights, reverse=True)


def test_the_verdict_leads(page: Any) -> None:
    assert page.locator("h1 ~ .verdict").inner_text() == "Better than <b>nothing</b>."
    assert page.locator("#binary ~ .plots svg").count() == 2
