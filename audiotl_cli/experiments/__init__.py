"""Experiments: labelled features, training, choosing settings, rounds of cross-validation."""
