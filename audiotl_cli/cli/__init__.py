"""The command line: parse, call a workflow, show what came of it."""
