"""Checks of an installation and a project, one file for each thing that is checked."""
