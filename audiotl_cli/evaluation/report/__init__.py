"""An evaluation as one page to look through and listen to, and as tables."""
