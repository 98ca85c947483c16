"""Predict the label of a recording by ONNX Runtime alone: predict_onnx.py MODEL-whole.onnx FILE."""

import json
import sys

import onnxruntime
import soundfile

if len(sys.argv) != 3:
    sys.exit("Usage: predict_onnx.py MODEL-whole.onnx FILE")
session = onnxruntime.InferenceSession(sys.argv[1])
about = session.get_modelmeta().custom_metadata_map
samples, rate = soundfile.read(sys.argv[2], dtype="float32", always_2d=True)
if rate != int(about["sample_rate"]):
    sys.exit(f"{sys.argv[2]} has {rate} Hz, resample it to {about['sample_rate']} Hz")
scores, rejected = session.run(None, {"waveform": samples.mean(axis=1)})
label = json.loads(about["labels"])[scores.argmax()]
print(f"{'none of these' if rejected else label}  {scores.max():.4f}")
