"""``python -m audiotl_cli``."""

from audiotl_cli.cli.main import main

main()
