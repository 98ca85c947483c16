"""The task of a worker: embed some clips, and write their features to pieces."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field

from audiotl_cli.audio.types import AudioSource
from audiotl_cli.cluster.fitness import Job, network_of
from audiotl_cli.errors import AudiotlError
from audiotl_cli.extractors.pipeline import embed_sources
from audiotl_cli.store.pieces import Piece, PieceWriter
from audiotl_cli.store.shard import Features

REPORT_EVERY_S = 1.0

_one_at_a_time = threading.Lock()  # threads of a worker share a network


@dataclass
class Receipt:
    """The outcome of a task.

    Parameters
    ----------
    worker : str
        Its address.
    pieces : list of (Piece, keys)
        Keys in the order they were given.
    failures : list of (key, stage, code, message)
    audio_s : float
        Seconds of audio decoded.
    started_s, wall_s : float
        When it began, and the seconds it took.
    fault : str
        Why this worker cannot run the task; else empty.
    """

    worker: str
    pieces: list[tuple[Piece, list[str]]] = field(default_factory=list)
    failures: list[tuple[str, str, str, str]] = field(default_factory=list)
    audio_s: float = 0.0
    started_s: float = field(default_factory=time.time)
    wall_s: float = 0.0
    fault: str = ""


def check(job: Job) -> Receipt:
    """Check this worker; the fault of the receipt is empty if it can embed."""
    receipt = Receipt(_address())
    try:
        with _one_at_a_time:
            network_of(job)
    except AudiotlError as error:
        receipt.fault = str(error)
    return receipt


def embed(job: Job, number: int, clips: Sequence[tuple[str, AudioSource]]) -> Receipt:
    """Embed clips into pieces.

    Parameters
    ----------
    job : Job
    number : int
        Of the task, for reports of progress.
    clips : sequence of (key, source)
    """
    receipt = Receipt(_address())
    started = time.perf_counter()
    with _one_at_a_time:
        try:
            _embed(job, number, clips, receipt)
        except (AudiotlError, OSError) as error:
            receipt.fault = str(error)
    receipt.wall_s = time.perf_counter() - started
    return receipt


def _embed(
    job: Job, number: int, clips: Sequence[tuple[str, AudioSource]], receipt: Receipt
) -> None:
    network = network_of(job)
    writer = PieceWriter(job.sign.parent)
    reported_at = time.monotonic()
    results = embed_sources(network, (source for _, source in clips), workers=1)
    with closing(results):
        for done, ((key, _), result) in enumerate(zip(clips, results, strict=True), 1):
            receipt.audio_s += result.audio_s
            if result.error is not None:
                error = result.error
                receipt.failures.append((key, error.stage, error.code, str(error)))
            elif result.embeddings is not None:
                writer.add(key, Features(result.embeddings.frames, result.embeddings.times))
            if time.monotonic() - reported_at > REPORT_EVERY_S:
                reported_at = time.monotonic()
                _report(job, (number, done, receipt.audio_s))
                if not job.sign.exists():
                    raise AudiotlError("was asked to stop")
    writer.close()
    receipt.pieces = writer.pieces


def _address() -> str:
    from distributed import get_worker

    with contextlib.suppress(ValueError):  # this process is not a worker
        return str(get_worker().address)
    return ""


def _report(job: Job, message: tuple[int, int, float]) -> None:
    from distributed import get_worker

    with contextlib.suppress(ValueError):
        get_worker().log_event(f"audiotl-{job.token}", message)
