"""Arithmetic that several classifiers share: in NumPy, and as ONNX."""
