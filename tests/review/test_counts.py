from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from audiotl_cli.review.activity import activity, days_drawn, draw_activity
from audiotl_cli.review.counts import Cell, Count, Tally, overlaps
from audiotl_cli.review.detections import Detection
from audiotl_cli.review.precision import LabelPrecision
from audiotl_cli.review.recordings import Recording

MAY = date(2024, 5, 1)
HOUR = 3600.0


def recording(
    path: str, when: datetime | None, duration_s: float = HOUR, site: str = ""
) -> Recording:
    return Recording(path, site, when, "name", False, duration_s, "")


def tally(recordings: list[Recording], *detections: Detection) -> Tally:
    return Tally(detections, {}, {one.path: one for one in recordings})


def owl(path: str, start_s: float, score: float = 0.9) -> Detection:
    return Detection(path, start_s, start_s + 1, "owl", score)


def of(counts: Sequence[Count]) -> dict[object, tuple[int, float]]:
    return {count.group: (count.n, count.hours) for count in counts}


def test_a_recording_over_midnight_is_one_night_of_two_days() -> None:
    night = tally(
        [recording("a", datetime(2024, 5, 1, 23, 30), 2 * HOUR)],
        owl("a", 60.0),
        owl("a", HOUR),
        owl("a", HOUR + 1),
    )

    assert of(night.by("hour")) == {0: (2, 1.0), 1: (0, 0.5), 23: (1, 0.5)}
    assert of(night.by("day")) == {MAY: (1, 0.5), MAY + timedelta(days=1): (2, 1.5)}
    assert of(night.by("night")) == {MAY: (3, 2.0)}
    assert night.by("label")[0].per_hour == 1.5


def test_nights_begin_at_noon() -> None:
    assert Cell("", MAY, 12).night == MAY
    assert Cell("", MAY, 11).night == MAY - timedelta(days=1)


def test_the_hour_that_comes_twice_is_recorded_twice() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    autumn = tally(
        [recording("a", datetime(2024, 10, 27, 1, 30, tzinfo=berlin), 3 * HOUR)],
        owl("a", 2.75 * HOUR),
    )

    assert of(autumn.by("hour")) == {1: (0, 0.5), 2: (0, 2.0), 3: (1, 0.5)}


def test_labels_without_detections_at_a_site_are_counted_there() -> None:
    both = tally(
        [recording("a", datetime(2024, 5, 1, 20), site="N"),
         recording("b", datetime(2024, 5, 1, 20), 2 * HOUR, site="S")],
        owl("a", 0.0),
    )  # fmt: skip

    assert of(both.by("site")) == {"N": (1, 1.0), "S": (0, 2.0)}


def test_unknown_times_and_lengths() -> None:
    found = tally(
        [recording("a", None), recording("b", datetime(2024, 5, 1, 20), math.nan)],
        owl("a", 0.0),
        owl("b", 1.5 * HOUR),
    )

    hours = {count.group: count for count in found.by("hour")}
    assert hours[None].n == 1
    assert hours[None].hours == 1.0
    assert math.isnan(hours[20].hours)
    assert hours[21].n == 1  # after the hour that is known to be recorded
    assert math.isnan(hours[21].per_hour)
    assert math.isnan(found.by("label")[0].per_hour)


def test_overlapping_recordings_of_a_site() -> None:
    evening = datetime(2024, 5, 1, 20)
    found = [
        recording("long", evening, 3 * HOUR),
        recording("short", evening + timedelta(minutes=10), 60.0),
        recording("after", evening + timedelta(hours=2), 2 * HOUR),
        recording("next", evening + timedelta(hours=4), HOUR),
        recording("elsewhere", evening, HOUR, site="S"),
    ]

    assert [(a.path, b.path, s) for a, b, s in overlaps(found)] == [
        ("long", "short", 60.0),
        ("long", "after", HOUR),
    ]


def test_activity_is_detections_in_an_hour_recorded() -> None:
    found = tally(
        [recording("a", datetime(2024, 5, 1, 20), HOUR / 2),
         recording("b", datetime(2024, 5, 3, 20), HOUR)],
        owl("a", 0.0),
    )  # fmt: skip
    days = days_drawn(found)
    rates = activity(found, "owl", days)

    assert [day.day for day in days] == [1, 2, 3]
    assert rates.shape == (24, 3)
    assert rates[20].tolist() == pytest.approx([2.0, math.nan, 0.0], nan_ok=True)
    assert np.isnan(np.delete(rates, 20, axis=0)).all()
    picture = draw_activity(found, "UTC")
    assert picture is not None
    assert picture.startswith(b"\x89PNG")
    assert picture == draw_activity(found, "UTC")
    assert draw_activity(tally([]), "UTC") is None


def test_days_of_clocks_that_nobody_set_do_not_stretch_the_figure() -> None:
    found = tally(
        [recording("a", datetime(1970, 1, 1)), recording("b", datetime(2024, 5, 1))], owl("a", 0.0)
    )

    assert len(days_drawn(found)) == 2


def judged(n_right: int, n_wrong: int, n_unjudged: int) -> Sequence[Count]:
    events = [owl("a", 10.0 * n) for n in range(n_right + n_wrong + n_unjudged)]
    verdicts = {event: n < n_right for n, event in enumerate(events[: n_right + n_wrong])}
    place = recording("a", datetime(2024, 5, 1, 20), 10.0 * len(events))
    return Tally(events, verdicts, {"a": place}).by("label")


def test_few_verdicts_give_no_estimate() -> None:
    (count,) = judged(3, 1, 100)

    assert count.estimate is None
    assert (count.n, count.n_right, count.n_wrong) == (104, 3, 1)


def test_an_estimate_lies_between_what_is_known() -> None:
    (count,) = judged(15, 5, 80)

    assert count.estimate is not None
    assert count.estimate.n == pytest.approx(15 + 80 * 15 / 20)
    assert 15 < count.estimate.low < count.estimate.n < count.estimate.high < 95


def test_all_judged_is_known() -> None:
    (count,) = judged(15, 5, 0)

    assert count.estimate is not None
    assert (count.estimate.n, count.estimate.low, count.estimate.high) == (15, 15, 15)


def test_where_all_judged_are_right_all_others_may_be() -> None:
    (count,) = judged(20, 0, 80)

    assert count.estimate is not None
    assert count.estimate.n == count.estimate.high == 100
    assert 80 < count.estimate.low < 95


def test_judging_uncertain_scores_first_does_not_bias_the_estimate() -> None:
    rng = np.random.default_rng(0)
    n_held, errors, errors_of_share = 0, [], []
    for _ in range(200):
        scores = rng.uniform(0.2, 1.0, 400)
        right = rng.uniform(size=400) < scores
        # low scores are judged four times as often as high ones
        order = rng.uniform(size=400) / np.where(scores < 0.6, 4, 1)
        chosen, others = np.split(np.argsort(order), [60])
        precision = LabelPrecision(scores.tolist(), scores[chosen].tolist(), right[chosen].tolist())
        bands = np.bincount(precision.bands_of(scores[others]), minlength=precision.n_bands)
        estimate = precision.estimate(int(right[chosen].sum()), bands)
        errors.append(estimate.n - right.sum())
        errors_of_share.append(400 * right[chosen].mean() - right.sum())
        n_held += estimate.low <= right.sum() <= estimate.high

    assert abs(np.mean(errors)) < 5  # of 240 that are right
    assert np.mean(errors_of_share) < -40
    assert n_held >= 180
