"""Ask whether the user accepts the licence of a network."""

from __future__ import annotations

from audiotl_cli.cli import output, terminal
from audiotl_cli.errors import LicenceError


def consents(error: LicenceError) -> bool:
    """Ask for a licence that must be accepted, and note the consent; False without a terminal."""
    if output.state.json or not terminal.is_interactive():
        return False
    from audiotl_cli.workflows.models import accept_licence

    terminal.say(str(error))
    terminal.forget_typed()
    answer = terminal.read_line("Do you accept the licence? [y/N]")
    if answer is None or answer.lower() not in ("y", "yes"):
        return False
    accept_licence(error.network)
    return True
