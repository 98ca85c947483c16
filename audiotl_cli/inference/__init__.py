"""A loaded model at work: predictions, events along a recording, and the formats of both."""
