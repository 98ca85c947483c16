"""Compare settings by cross-validation, and drop clearly worse ones early."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from audiotl_cli.classifiers.choice import Tried, contenders
from audiotl_cli.classifiers.classifier import Clips
from audiotl_cli.classifiers.space import Setting
from audiotl_cli.classifiers.trials import Fold, Right, Runner, Trials, threads
from audiotl_cli.labels import are_unbalanced, clip_weights

OnFit = Callable[[Setting, int, Right], None]
"""Called after every fit with the setting, the number of the fold and the result."""


def search(
    clips: Clips,
    labels: Sequence[str],
    folds: Sequence[Fold],
    candidates: Sequence[Setting],
    *,
    known: Mapping[tuple[int, int], Right] | None = None,
    on_fit: OnFit = lambda setting, fold, right: None,
    on_drop: Callable[[int], None] = lambda n_fits: None,
    run: Runner | None = None,
) -> list[Tried]:
    """Try settings on folds of the clips, one fold after the other.

    After every fold, settings that are clearly worse than the best are dropped; see `contenders`.

    Parameters
    ----------
    clips : sequence of sequences of float32 (n_frames, dim)
    labels : sequence of str
        One a clip.
    folds : sequence of (fit, test)
    candidates : sequence of Setting
    known : mapping, optional
        Earlier results, by positions of setting and fold.
    on_fit : callable
        Called in this thread.
    on_drop : callable
        Called with the number of fits that are no longer needed.
    run : Runner, optional
        Runs the fits; `threads` by default. Results do not depend on it.

    Returns
    -------
    tried : list of Tried
        In the order of `candidates`.
    """
    run = run or threads()
    trials = Trials(clips, labels, folds)
    done = dict(known or {})
    right: dict[int, tuple[Right, ...]] = dict.fromkeys(range(len(candidates)), ())
    racing = list(right)
    weights = _weights(labels, folds, multi_label=candidates[0].options.multi_label)
    for fold in range(len(folds)):
        # consecutive settings share the rotated features
        jobs = sorted(
            (i for i in racing if (i, fold) not in done),
            key=lambda i: (*_pooled_by(candidates[i]), i),
        )
        fits = run(trials, [(candidates[i], fold) for i in jobs])
        for i, found in zip(jobs, fits, strict=True):
            done[i, fold] = found
            on_fit(candidates[i], fold, found)
        for i in racing:
            right[i] = (*right[i], done[i, fold])
        left = contenders({i: right[i] for i in racing}, weights and weights[: fold + 1])
        if len(left) < len(racing):
            on_drop((len(racing) - len(left)) * (len(folds) - fold - 1))
        racing = left
    return [Tried(candidate, right[i], weights) for i, candidate in enumerate(candidates)]


def _weights(
    labels: Sequence[str], folds: Sequence[Fold], *, multi_label: bool
) -> tuple[tuple[float, ...], ...] | None:
    """Return what the tested clips count, fold by fold; None where labels are not unbalanced."""
    tested = [i for _, test in folds for i in test]
    if multi_label or not are_unbalanced([labels[i] for i in tested]):
        return None
    weight = dict(zip(tested, clip_weights([labels[i] for i in tested]), strict=True))
    return tuple(tuple(weight[i] for i in test) for _, test in folds)


def _pooled_by(setting: Setting) -> tuple[tuple[int, ...], str, bool]:
    return setting.parts, setting.options.pooling, setting.options.sqrt
