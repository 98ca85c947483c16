"""A model in forms that others can load: an ONNX graph, a skops file."""
