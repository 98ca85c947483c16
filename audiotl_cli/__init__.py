"""audiotl: a folder of recordings in, a working audio classifier out.

>>> from audiotl_cli import load_extractor
>>> extractor = load_extractor("mfcc")
>>> extractor.sample_rate, extractor.dim
(22050, 120)
"""

import os
import sys

# ``python -m audiotl_cli`` looks for modules in the current folder first, whoever filled it
if sys.argv[:1] == ["-m"] and sys.orig_argv[-len(sys.argv)].endswith(__name__):
    _here = "" if sys.flags.safe_path else sys.path.pop(0)
    if _here == os.path.dirname(os.path.dirname(__file__)):  # noqa: PTH120  (no pathlib yet)
        sys.path.append(_here)  # this package lies there, not installed

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from audiotl_cli.dataset.index import Index
    from audiotl_cli.experiments.labelled_store import FeatureStore
    from audiotl_cli.extractor_config import ExtractorConfig
    from audiotl_cli.extractors.registry import load_extractor
    from audiotl_cli.inference.embedder import AudioEmbedder
    from audiotl_cli.inference.model import Model
    from audiotl_cli.inference.prediction import Prediction
    from audiotl_cli.project import Project
    from audiotl_cli.workflows.predict import load_model

__version__ = "0.1.0"
__all__ = [
    "AudioEmbedder",
    "ExtractorConfig",
    "FeatureStore",
    "Index",
    "Model",
    "Prediction",
    "Project",
    "load_extractor",
    "load_model",
]

_HOMES = {
    "AudioEmbedder": "audiotl_cli.inference.embedder",
    "ExtractorConfig": "audiotl_cli.extractor_config",
    "FeatureStore": "audiotl_cli.experiments.labelled_store",
    "Index": "audiotl_cli.dataset.index",
    "Model": "audiotl_cli.inference.model",
    "Prediction": "audiotl_cli.inference.prediction",
    "Project": "audiotl_cli.project",
    "load_extractor": "audiotl_cli.extractors.registry",
    "load_model": "audiotl_cli.workflows.predict",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that the command line starts fast."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
