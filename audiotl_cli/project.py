"""Locate the files of a project, and choose the default index and model."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from audiotl_cli.classifiers.model_file import read_card, read_packed
from audiotl_cli.dataset.measured import MeasuredClips
from audiotl_cli.errors import AudiotlError, DataError
from audiotl_cli.spelling import did_you_mean, meant_by
from audiotl_cli.storage.paths import AnyPath
from audiotl_cli.store.find import is_store
from audiotl_cli.store.memo import HashMemo

_MOST_NAMED = 10  # of the files there are, in a message
_PLURALS = {"index": "indexes", "model": "models"}


@dataclass(frozen=True)
class Project:
    """A folder in which indexes, features, models and evaluations lie.

    Parameters
    ----------
    root : Path
        The folder; the current one unless given. Nothing in it has to exist.

    Examples
    --------
    >>> project = Project(Path("birds"))
    >>> project.models_dir.as_posix()
    'birds/data/models'
    """

    root: Path = Path()

    @property
    def audio_dir(self) -> Path:
        """Data sets that were fetched or synthesised, one folder each."""
        return self.root / "data" / "audio"

    @property
    def index_dir(self) -> Path:
        """Indexes."""
        return self.root / "data" / "index"

    @property
    def features_dir(self) -> Path:
        """Feature stores, one folder each."""
        return self.root / "data" / "features"

    @property
    def models_dir(self) -> Path:
        """Models."""
        return self.root / "data" / "models"

    @property
    def network_file(self) -> Path:
        """The network that was chosen for the project; see `experiments.network_choice`."""
        return self.root / "data" / "network.json"

    @property
    def experiments_dir(self) -> Path:
        """Evaluations, one folder each."""
        return self.root / "data" / "experiments"

    def indexes(self) -> list[Path]:
        """Return the files of all indexes, by name."""
        return _existing(self.index_dir, "*.csv")

    def models(self) -> list[Path]:
        """Return the files of all models, by name."""
        return _existing(self.models_dir, "*.joblib")

    def find_index(self, given: Path) -> Path:
        """Return the index that a path or a name means: ``esc`` for ``data/index/esc10.csv``.

        Raises
        ------
        DataError
            No index, or more than one, is called so.
        """
        return _find(given, self.indexes(), "index")

    def find_model(self, given: Path) -> Path:
        """Return the model that a path or a name means: ``svm`` for the only one called so.

        Of several names that hold the text, the model of the classifier called so is meant.

        Raises
        ------
        DataError
            No model, or more than one, is called so.
        """
        return _find(given, self.models(), "model", _is_of_classifier)

    def newest_index(self) -> Path:
        """Return the index that was written last.

        Raises
        ------
        DataError
            There is none.
        """
        indexes = self.indexes()
        if not indexes:
            raise DataError(
                f"there is no index in {self.index_dir}; create one with: audiotl index FOLDER"
            )
        return max(indexes, key=_age)

    def newest_model(self) -> Path:
        """Return the model that was saved last.

        Raises
        ------
        DataError
            There is none.
        """
        models = self.models()
        if not models:
            raise DataError(
                f"there is no model in {self.models_dir}; create one with: audiotl train"
            )
        return max(models, key=_age)

    def open_memo(self, features: AnyPath | None = None) -> HashMemo:
        """Return the memo of file hashes kept beside feature stores.

        Of stores on object storage it lies in the project: many may write to those at once.

        Parameters
        ----------
        features : Path, RemotePath or None
            A folder of stores, or one store; None for the project's.
        """
        if not isinstance(features, Path):
            return HashMemo(self.features_dir / ".hashes")
        return HashMemo((features.parent if is_store(features) else features) / ".hashes")

    def open_measured(self) -> MeasuredClips:
        """Return what ``audiotl index`` measured of clips so far."""
        return MeasuredClips(self.index_dir / ".audit")


def _existing(folder: Path, pattern: str) -> list[Path]:
    """Return the files of a folder by name, without links that lead nowhere."""
    return sorted(path for path in folder.glob(pattern) if path.exists())


def _find(
    given: Path,
    files: Sequence[Path],
    kind: str,
    prefers: Callable[[Path, str], bool] = lambda path, name: False,
) -> Path:
    """Return the file that a name means; a path is returned as it is."""
    name = given.name
    places = {Path(), *(path.parent for path in files)}
    if given.is_file() or given.parent not in places or not name:
        return given
    by_name = {path.name: path for path in files} | {path.stem: path for path in files}
    found = list(dict.fromkeys(by_name[text] for text in meant_by(name, list(by_name))))
    if len(found) > 1:
        found = [path for path in found if prefers(path, name)] or found
    if len(found) == 1:
        return found[0]
    if found:
        raise DataError(
            f"{name!r} could be any of {len(found)} {_PLURALS[kind]}: "
            f"{', '.join(path.stem for path in found)}; give more of the name"
        )
    if not files or os.path.lexists(given):  # a folder, for example: reported where it is read
        return given
    stems = [path.stem for path in files]
    more = f" and {len(stems) - _MOST_NAMED} more" if len(stems) > _MOST_NAMED else ""
    raise DataError(
        f"{given} does not exist, and no {kind} in {files[0].parent} is called so (there "
        f"{'are' if len(stems) > 1 else 'is'} {', '.join(stems[:_MOST_NAMED])}{more})"
        f"{did_you_mean(Path(name).stem, stems)}"
    )


def _is_of_classifier(path: Path, name: str) -> bool:
    try:
        return read_card(path, read_packed(path)).classifier == name.lower()
    except AudiotlError:
        return False


def _age(path: Path) -> tuple[int, str]:
    return path.stat().st_mtime_ns, path.name
