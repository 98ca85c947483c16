"""Locate the files of a project, and choose the default index and model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from audiotl_cli.dataset.measured import MeasuredClips
from audiotl_cli.errors import DataError
from audiotl_cli.storage.paths import AnyPath
from audiotl_cli.store.find import is_store
from audiotl_cli.store.memo import HashMemo


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
    def experiments_dir(self) -> Path:
        """Evaluations, one folder each."""
        return self.root / "data" / "experiments"

    def indexes(self) -> list[Path]:
        """Return the files of all indexes, by name."""
        return sorted(self.index_dir.glob("*.csv"))

    def models(self) -> list[Path]:
        """Return the files of all models, by name."""
        return sorted(self.models_dir.glob("*.joblib"))

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


def _age(path: Path) -> tuple[int, str]:
    return path.stat().st_mtime_ns, path.name
