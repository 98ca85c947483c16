"""Predict recordings from files, or an audio file on stdin."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from audiotl_cli.cli import output
from audiotl_cli.cli.file_sink import FileSink
from audiotl_cli.cli.pace import duration
from audiotl_cli.cli.predict_request import PredictRequest
from audiotl_cli.cli.predicted_files import check_targets, choose_targets
from audiotl_cli.cli.prediction_sinks import FolderSink, Inputs, Sink, StdoutSink
from audiotl_cli.cli.show_left_out import show_left_out
from audiotl_cli.errors import DataError, UsageError
from audiotl_cli.left_out import LeftOut, LeftOutCounter
from audiotl_cli.leftovers import temporary_folder
from audiotl_cli.storage.paths import AnyPath, any_path, join, need_local
from audiotl_cli.storage.remote import RemotePath
from audiotl_cli.written import check_folder

if TYPE_CHECKING:
    from audiotl_cli.inference.journal import Journal
    from audiotl_cli.inference.model import Model
    from audiotl_cli.inference.prediction import Prediction

STDIN_NAME = "stdin"
LONG_S, LONG_WINDOWS = 30.0, 5
"""Seconds, and times what a model judges at once, beyond which one label says little."""


def predict_files(request: PredictRequest, inputs: Sequence[str]) -> None:
    """Predict recordings given by name, by folder, or as a list on stdin."""
    from audiotl_cli.workflows.predict import list_inputs

    paths = _expand(inputs)
    path = request.find_model()
    left_out = LeftOutCounter()
    try:
        files = list_inputs(paths, left_out)
    except DataError:
        if not _all_were_moved(request):
            raise
        files = []
    recordings = [file for file in files if isinstance(file, Path | RemotePath)]
    if request.sorter is not None:
        for recording in recordings:
            need_local(recording, "only local files can be sorted")
        _check_once(recordings)
    targets = choose_targets(request.kind, request.to, recordings)
    check_beside(request, {file.parent for file in recordings if isinstance(file, Path)})
    check_targets(request.to, targets, [*recordings, *_files(path)], overwrite=request.overwrite)
    journal = _open_journal(request, path)
    model = _load(request, path, journal)
    sink = _open_sink(request, path, model, targets, journal)
    conclude(request, _predict(request, model, files, sink), left_out.found())


def predict_stdin(request: PredictRequest) -> None:
    """Predict an audio file read from stdin.

    The audio is kept in a temporary file, because most formats cannot be read without seeking.
    """
    if request.sorter is not None:
        raise UsageError(
            "audio on stdin is not a file, so it cannot be sorted; leave out "
            "--copy-to, --move-to and --link-to"
        )
    path = request.find_model()
    targets = choose_targets(request.kind, request.to, [Path(STDIN_NAME)])
    check_targets(request.to, targets, _files(path), overwrite=request.overwrite)
    with temporary_folder() as folder:
        spooled = folder / STDIN_NAME
        with spooled.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file, 1 << 20)
        journal = _open_journal(request, path)
        model = _load(request, path, journal)
        sink = _open_sink(request, path, model, targets, journal, name=STDIN_NAME)
        conclude(request, _predict(request, model, [spooled], sink, name=STDIN_NAME))


def check_beside(request: PredictRequest, folders: Iterable[Path]) -> None:
    """Refuse to write files beside recordings that are moved, or where nothing can be written.

    Parameters
    ----------
    request : PredictRequest
    folders : iterable of Path
        Those that the recordings are in.
    """
    sorter = request.sorter
    moves = sorter is not None and sorter.how == "move"
    writes = request.kind.file_each and request.to is None
    if writes and moves:
        raise UsageError(
            f"--format {request.kind.name} writes files beside the recordings, which --move-to "
            "moves away: name a folder with --output"
        )
    if sorter is not None and sorter.dry_run:
        return
    if sorter is not None:
        check_folder(sorter.folder)
    advice = "name a folder with --output" if writes else "--copy-to leaves the recordings in it"
    for folder in sorted(folders) if writes or moves else []:
        if folder.is_dir():
            check_folder(folder, advice)


def _files(model: Path | None) -> list[Path]:
    return [] if model is None else [model]


def _open_journal(request: PredictRequest, model: Path | None) -> Journal | None:
    """Return the journal that keeps predictions until the output file is written, if there is one.

    It is opened before the model is loaded, so that an unwritable folder is reported at once.
    """
    from audiotl_cli.inference.journal import Journal, journal_path

    if request.to is None or request.kind.file_each or not all(map(Path.is_file, _files(model))):
        return None
    return Journal(journal_path(request.to), request.made_with(model), overwrite=request.overwrite)


def _load(request: PredictRequest, path: Path | None, journal: Journal | None) -> Model:
    try:
        return request.load(path)
    except BaseException:
        if journal is not None:
            journal.close()
        raise


def _open_sink(
    request: PredictRequest,
    path: Path | None,
    model: Model,
    targets: Mapping[AnyPath, Path],
    journal: Journal | None,
    *,
    name: str | None = None,
) -> Sink:
    """Return the sink that predictions are written to.

    Parameters
    ----------
    request : PredictRequest
    path : Path or None
        The model file, if there is one.
    model : Model
    targets : mapping
        The output file of each recording, for formats that write one per recording.
    journal : Journal or None
        Keeps predictions until the output file is written.
    name : str or None
        The name of a single input that is not known by its path.
    """
    options = request.writer_options(model)
    if journal is not None and request.to is not None:
        return FileSink(request.to, request.kind, options, journal, name)
    if request.kind.file_each:
        # skipped recordings would be missing from the JSON, and would not be sorted
        resumes = not request.json and request.sorter is None and name is None
        made_with = request.made_with(path) if resumes else None
        return FolderSink(request, options, targets, made_with)
    if request.json:
        return Sink()
    # on a terminal, lines would run into the progress bar
    at_once = request.kind.suffix != "" and not sys.stdout.isatty()
    return StdoutSink(request.kind(output.write, options), at_once=at_once)


def _predict(
    request: PredictRequest,
    model: Model,
    files: Inputs,
    sink: Sink,
    *,
    name: str | None = None,
) -> Sequence[Prediction]:
    predictions: list[Prediction] = []
    try:
        sink.begin()
        files = sink.remaining(files)
        if isinstance(sink, FileSink) and request.sorter is not None:
            for prediction in sink.kept():
                place(request, sink, prediction, again=True)
        audio_s = 0.0
        with output.progress("Predicting", "files") as update:
            for prediction in model.stream(files, workers=request.workers, events=request.events):
                known = prediction if name is None else replace(prediction, path=name)
                predictions.append(take(request, sink, known))
                audio_s += prediction.audio_s
                update(len(predictions), len(files), audio_s)
        sink.end()
    except BaseException:
        output.state.after_interrupt = sink.stop()
        if request.json and request.sorter is not None and predictions:
            _show_json(request, sink.all_of(predictions))  # shows where recordings were put
        raise
    everything = sink.all_of(predictions)
    if request.json:
        _show_json(request, everything)
    if request.averages:
        long_s = max(LONG_S, LONG_WINDOWS * model.context_s)
        _note_averages(everything, long_s, finds_events=model.finds_events)
    return everything


def take(request: PredictRequest, sink: Sink, prediction: Prediction) -> Prediction:
    """Save a prediction, then sort its recording; return the prediction with the outcome."""
    if request.sorter is not None:
        prediction = request.sorter.plan(prediction)
    prediction = sink.add(prediction)
    return place(request, sink, prediction)


def place(
    request: PredictRequest, sink: Sink, prediction: Prediction, *, again: bool = False
) -> Prediction:
    """Sort a recording whose prediction is already saved.

    Parameters
    ----------
    request : PredictRequest
    sink : Sink
    prediction : Prediction
    again : bool
        Whether an earlier run may have sorted it already.
    """
    sorter = request.sorter
    if sorter is None or prediction.sorted_to is None:
        return prediction
    if again:
        error = sorter.resume(prediction)
    else:
        error = sorter.place(prediction, on_record=sink.on_record)
    if error is None:
        return prediction
    prediction = replace(prediction, sorted_to=None, sort_error=error)
    sink.amend(prediction)
    return prediction


def _note_averages(predictions: Sequence[Prediction], long_s: float, *, finds_events: bool) -> None:
    """Say which recordings are longer than `long_s` seconds and have one label for all of them."""
    averaged = [item for item in predictions if item.audio_s > long_s and item.label is not None]
    if not averaged:
        return
    longest = duration(max(item.audio_s for item in averaged))
    shows = (
        "--segments shows" if finds_events else "the model that was exported shows, by --segments,"
    )
    output.note(
        f"{averaged[0].path}: one label for all {longest}, by their average; {shows} "
        "where each label is heard"
        if len(averaged) == 1
        else f"{len(averaged)} recordings of up to {longest} have one label each, by the "
        f"average over all of it; {shows} where each label is heard"
    )


def conclude(
    request: PredictRequest, predictions: Sequence[Prediction], left_out: Sequence[LeftOut] = ()
) -> None:
    """List what was left out and what failed, and exit with code 1 if anything failed."""
    failed = [(item.path, str(item.failure)) for item in predictions if item.failure is not None]
    if request.sorter is not None:
        request.sorter.summarize()
    show_left_out(left_out, output.say)
    output.failures(failed)
    if failed:
        raise typer.Exit(1)


def _show_json(request: PredictRequest, predictions: Sequence[Prediction]) -> None:
    output.result([prediction.to_dict(request.top_k) for prediction in predictions])


def _all_were_moved(request: PredictRequest) -> bool:
    """Return whether an interrupted run may have moved every recording away."""
    from audiotl_cli.inference.journal import journal_path

    moves = request.sorter is not None and request.sorter.how == "move"
    return moves and request.to is not None and journal_path(request.to).is_file()


def _check_once(recordings: Sequence[AnyPath]) -> None:
    """Refuse to sort a recording twice."""
    seen: set[AnyPath] = set()
    for recording in recordings:
        if recording in seen:
            raise UsageError(f"{recording} is named twice; it can be sorted only once")
        seen.add(recording)


def _expand(inputs: Sequence[str]) -> list[AnyPath]:
    """Return the input paths, with ``-`` replaced by the paths listed on stdin.

    Paths on stdin are separated by NUL characters if there are any, else by line breaks. An
    unreadable path fails alone; see `join`.
    """
    paths: list[AnyPath] = []
    for text in inputs:
        if not text:  # an unset variable of a script; as a path it would be the current folder
            raise UsageError("an input is empty; expected a recording, a folder, or -")
        if text == "-":
            listed = sys.stdin.read()
            lines = listed.split("\0") if "\0" in listed else listed.splitlines()
            named = [join(Path(), line) for line in lines if line]
            if not named:
                output.warn("no recordings are listed on stdin")
            paths += named
        else:
            paths.append(any_path(text))
    return paths
