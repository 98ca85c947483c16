"""Label recordings by ONNX Runtime alone: predict_onnx.py MODEL-whole.onnx FILE..."""

import json
import sys

import numpy as np
import onnxruntime
import soundfile

SECONDS = 60  # a longer recording gets a label for each minute
SILENCE = 2**-14  # from the lowest to the highest sample: there is nothing to hear
EDGE_S = 0.1  # mirrored at both ends, so that resampling does not ring there


def resample(samples, rate, wanted):
    """Return samples at another rate, by the Fourier transform; soxr does it better and faster."""
    if rate == wanted:
        return samples
    try:
        import soxr

        return soxr.resample(samples, rate, wanted)
    except ImportError:
        edge = min(round(EDGE_S * rate), len(samples) - 1)
        padded = np.pad(samples, edge, mode="reflect")
        n = round(len(padded) * wanted / rate)
        spectrum = np.fft.rfft(padded)[: n // 2 + 1]
        padded = np.fft.irfft(spectrum, n) * (wanted / rate)
        first = round(edge * wanted / rate)
        return padded[first : first + round(len(samples) * wanted / rate)].astype(np.float32)


def one_channel(samples, channel):
    """Return what the model hears of samples (n_samples, n_channels)."""
    if channel == "mix":
        return samples.mean(axis=1)
    places = {"left": 0, "right": min(1, samples.shape[1] - 1)}
    return samples[:, places.get(channel, samples.std(axis=0).argmax())]


def name(scores, rejected, about):
    """Return the label, or all labels of a model that gives several."""
    labels = json.loads(about["labels"])
    if rejected:
        return "none of these"
    if not json.loads(about["multi_label"]):
        return labels[scores.argmax()]
    threshold = float(about["threshold"])
    found = [label for label, score in zip(labels, scores, strict=True) if score >= threshold]
    return ";".join(found) or "no label"


def main(model, *files):
    session = onnxruntime.InferenceSession(model)
    about = session.get_modelmeta().custom_metadata_map
    wanted = int(about["sample_rate"])
    for file in files:
        with soundfile.SoundFile(file) as sound:
            rate, start = sound.samplerate, 0
            for part in sound.blocks(SECONDS * rate, dtype="float32", always_2d=True):
                mono = resample(one_channel(part, about["channel"]), rate, wanted)
                if np.ptp(mono) < SILENCE:
                    print(f"{file}  {start} s  silent")
                else:
                    scores, rejected = session.run(None, {"waveform": mono})
                    print(f"{file}  {start} s  {name(scores, rejected, about)}  {scores.max():.4f}")
                start += SECONDS


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("Usage: predict_onnx.py MODEL-whole.onnx FILE...")
    main(*sys.argv[1:])
