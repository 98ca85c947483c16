"""What `make bench` runs: every speed the README states, measured here and now."""
