"""Problems that clips can have, one a file; `registry` finds the files."""
