"""The feature store: embeddings on disk, found again by what they were made from."""
