"""Review: which clips to label next, and which clips sound like a recording."""
