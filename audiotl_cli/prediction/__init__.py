"""Predictions in the formats people use."""
