"""Sound files to waveforms: decode, mix down, resample, cut windows."""
