"""Waveforms to embeddings: one file a network, all behind `base.Extractor`."""
