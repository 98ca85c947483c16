"""Judge sound that comes as a stream: from a pipe, or a microphone."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator

from audiotl_cli.audio.counted import CountedBlocks
from audiotl_cli.audio.levels import LevelMeter
from audiotl_cli.audio.resample import resample_blocks
from audiotl_cli.audio.types import Waveform
from audiotl_cli.errors import AudioError
from audiotl_cli.extractors.base import Embeddings, Extractor
from audiotl_cli.extractors.runtime import keep_freed_memory, one_blas_thread
from audiotl_cli.inference.events import Event, EventOptions, outside
from audiotl_cli.inference.model import Model
from audiotl_cli.inference.prediction import Prediction
from audiotl_cli.inference.scorer import furthest_behind

OnEvent = Callable[[Event], None]


def listen(
    model: Model,
    blocks: Iterable[Waveform],
    rate: int,
    *,
    name: str,
    events: EventOptions | None = None,
    on_event: OnEvent = lambda event: None,
) -> Prediction:
    """Judge a stream until it ends, in constant memory.

    Events found before a stream breaks off, or Ctrl-C ends it, are reported as well.

    Parameters
    ----------
    model : Model
    blocks : iterable of float32 (n_samples,)
    rate : int
        Hz.
    name : str
        What to call it: the path of the prediction.
    events : EventOptions or None
        What to look for along the stream; None looks for nothing.
    on_event : callable
        Called with each event as soon as it has ended.

    Returns
    -------
    Prediction
        Of all of it; with `error` set where it cannot be used.
    """
    keep_freed_memory()
    meter = LevelMeter(round(2 * model.highest_hz))
    measured = (block for block, _ in meter.before((block, rate) for block in blocks))
    counted = CountedBlocks(measured)
    scorer = model.scorer(events, block=1)
    found: list[Event] = []

    def tell(over: Iterable[Event]) -> None:
        for event in outside([*over], meter.levels().silences):
            found.append(event)
            on_event(event)

    # whoever lags behind is asked next, so that little lies between the copies
    copies = itertools.tee(counted, len(model.extractors))
    streams = [
        _embed(extractor, copy, rate, meter)
        for extractor, copy in zip(model.extractors, copies, strict=True)
    ]
    going = list(range(len(streams)))
    try:
        with one_blas_thread():
            while going:
                number = furthest_behind(scorer, going)
                embedded = next(streams[number], None)
                if embedded is None:
                    going.remove(number)
                else:
                    tell(scorer.add(number, embedded))
    except AudioError as error:
        tell(scorer.finish(counted.n_samples / rate))
        return Prediction(name, {}, counted.n_samples / rate, error)
    except KeyboardInterrupt:
        tell(scorer.finish(counted.n_samples / rate))
        raise
    last = scorer.finish(counted.n_samples / rate)
    tell(last)
    return model.conclude(name, scorer, counted.n_samples / rate, found, meter.levels(), events)


def _embed(
    extractor: Extractor, blocks: Iterable[Waveform], rate: int, meter: LevelMeter
) -> Iterator[Embeddings]:
    first = 0
    resampled: Iterable[Waveform] = resample_blocks(
        ((block, rate) for block in blocks), extractor.sample_rate, extractor.config.resampler
    )
    if extractor.sample_rate == meter.to_rate:
        resampled = meter.after(resampled)
    for patches in extractor.patches(resampled, eager=True):
        yield extractor.assemble(extractor.run(patches), first)
        first += len(patches)
