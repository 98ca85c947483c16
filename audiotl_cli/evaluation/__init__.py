"""How good a classifier is, and how far that number can be trusted."""
