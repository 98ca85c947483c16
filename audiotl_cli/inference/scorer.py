"""Score one recording while its frames come: its labels, and the events in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from audiotl_cli.classifiers.classifier import ClipClassifier
from audiotl_cli.classifiers.running import RunningScores
from audiotl_cli.extractors.base import Embeddings, Extractor
from audiotl_cli.inference.event_decoder import EventDecoder
from audiotl_cli.inference.events import Event, EventFinder, EventOptions
from audiotl_cli.inference.timeline import BLOCK, Follower, Steps, frame_distance_s

Vector = npt.NDArray[np.float64]


class Scorer:
    """Scores one recording on its way through a model.

    Parameters
    ----------
    classifier : ClipClassifier
    extractors : sequence of Extractor
        In the classifier's order.
    context_s : float
        Seconds that are judged together along the recording.
    options : EventOptions or None
        What to look for along the recording; None looks for nothing.
    block : int
        Steps that are judged at once.
    """

    def __init__(
        self,
        classifier: ClipClassifier,
        extractors: Sequence[Extractor],
        context_s: float,
        options: EventOptions | None,
        *,
        block: int = BLOCK,
    ) -> None:
        self._whole = RunningScores(classifier, len(extractors))
        self._no_scores = np.empty((0, len(classifier.labels)))
        self._follower: Follower | None = None
        if options is not None:
            self._finder = _finder(classifier, extractors, options)
            self._hidden = set() if options.with_background else set(classifier.backgrounds)
            self._follower = Follower(classifier, extractors, context_s, block=block)
        self.heard_s = [0.0 for _ in extractors]  # how far each extractor has come

    def add(self, number: int, embedded: Embeddings) -> list[Event]:
        """Take the next frames of an extractor; return the events that are over."""
        self._whole.add(number, embedded.frames)
        self.heard_s[number] = float(embedded.times[-1])
        if self._follower is None:
            return []
        self._follower.add(number, embedded)
        return self._find(self._follower.judged())

    def finish(self, duration_s: float) -> list[Event]:
        """Return the events that end with the recording."""
        if self._follower is None:
            return []
        rest = [*self._follower.rest()]
        centres = np.concatenate([np.empty(0), *(steps.centres for steps in rest)])
        scores = np.concatenate([self._no_scores, *(steps.scores for steps in rest)])
        return self._shown(self._finder.finish(duration_s, centres, scores))

    def scores(self) -> tuple[Vector, bool]:
        """Return the score of every label, (n_labels,), and whether it is none of them."""
        rows = self._whole.scores()
        return rows[0], self._whole.rejected(rows)

    def _find(self, judged: Iterable[Steps]) -> list[Event]:
        return self._shown(
            event for steps in judged for event in self._finder.add(steps.centres, steps.scores)
        )

    def _shown(self, events: Iterable[Event]) -> list[Event]:
        return [event for event in events if event.label not in self._hidden]


def _finder(
    classifier: ClipClassifier, extractors: Sequence[Extractor], options: EventOptions
) -> EventFinder | EventDecoder:
    several = classifier.multi_label
    if classifier.events is not None:
        return EventDecoder(classifier.labels, classifier.events, options, several=several)
    step_s = max(frame_distance_s(extractor) for extractor in extractors)
    return EventFinder(classifier.labels, options, step_s, several=several)


def furthest_behind(scorer: Scorer, going: Sequence[int]) -> int:
    """Return which of the extractors still at work is to be asked next."""
    return min(going, key=lambda number: scorer.heard_s[number])
