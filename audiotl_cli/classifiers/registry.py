"""All available classifiers: the files in `recipes`, and those of other packages."""

from __future__ import annotations

import importlib
from functools import cache
from importlib.metadata import entry_points

from audiotl_cli.classifiers import recipes
from audiotl_cli.classifiers.names import built_in_names
from audiotl_cli.classifiers.recipe import Recipe
from audiotl_cli.errors import UsageError
from audiotl_cli.spelling import did_you_mean

GROUP = "audiotl.classifiers"
"""Entry points of other packages; each leads to a `Recipe`."""


@cache
def registered() -> dict[str, Recipe]:
    """Return all recipes by name, the default first. Nothing heavy is imported.

    Raises
    ------
    UsageError
        A plug-in cannot be imported, is not a recipe, or has a name that is already used.
    """
    built_in = [
        importlib.import_module(f"{recipes.__name__}.{name.replace('-', '_')}").RECIPE
        for name in built_in_names()
    ]
    found: dict[str, Recipe] = {}
    for recipe in sorted([*built_in, *_plugins()], key=lambda recipe: (recipe.place, recipe.name)):
        if recipe.name in found:
            raise UsageError(
                f"two classifiers are named {recipe.name!r}; uninstall one of the packages"
            )
        found[recipe.name] = recipe
    return found


def _plugins() -> list[Recipe]:
    loaded = []
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        try:
            recipe = entry.load()
            recipe = recipe() if isinstance(recipe, type) else recipe
            if not isinstance(recipe, Recipe):
                raise TypeError(f"it is {recipe!r}, expected a {Recipe.__qualname__}")
        except Exception as error:  # importing a plug-in may raise any exception
            raise UsageError(
                f"the classifier {entry.name!r} ({entry.value}) cannot be loaded: {error}"
            ) from error
        loaded.append(recipe)
    return loaded


def list_classifiers() -> list[str]:
    """Return the names of all classifiers, the default first."""
    return list(registered())


def classifier_name(name: str) -> str:
    """Return the proper name for a name or alias, whatever its case.

    Raises
    ------
    UsageError
        There is no such classifier.
    """
    lower = name.lower()
    for recipe in registered().values():
        if lower == recipe.name or lower in recipe.aliases:
            return recipe.name
    raise UsageError(
        f"unknown classifier {name!r}; choose from {', '.join(registered())}"
        f"{did_you_mean(lower, registered())}"
    )


def find_recipe(name: str) -> Recipe:
    """Return the recipe with a name or alias; raise `UsageError` if there is none."""
    return registered()[classifier_name(name)]


def standardises(name: str, n_extractors: int = 1) -> bool:
    """Return whether features are standardised by default.

    Concatenated features of several extractors always are, because the extractor with the
    largest values would dominate otherwise.
    """
    return find_recipe(name).scales or n_extractors > 1


def table() -> str:
    """Return a Markdown table of all classifiers."""
    lines = [
        "| `--classifier` | Description | Default parameters | Scales features | `--balance` |",
        "|---|---|---|---|---|",
    ]
    for name, recipe in registered().items():
        defaults = [f"`{key}={value}`" for key, value in recipe.params.items()]
        params = ", ".join(defaults) or "defaults"
        aliases = "".join(f", `{alias}`" for alias in recipe.aliases)
        lines.append(
            f"| `{name}`{aliases} | {recipe.summary} | {params} | "
            f"{'yes' if recipe.scales else 'no'} | "
            f"{'weights' if recipe.class_weights else 'resampling'} |"
        )
    return "\n".join(lines)
