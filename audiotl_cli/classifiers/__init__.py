"""Embeddings to labels: pooling, classifiers, and the saved model."""
