"""A checkpoint in the layout of the published one, with the golden values' random weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from audiotl_cli.extractors.runtime import tensorflow

# variables of the published checkpoint in the order the golden values' seed drew them
SEED = 20261123
SHAPES = {
    "conv1": (3, 3, 1, 64),
    "conv2": (3, 3, 64, 128),
    "conv3/conv3_1": (3, 3, 128, 256),
    "conv3/conv3_2": (3, 3, 256, 256),
    "conv4/conv4_1": (3, 3, 256, 512),
    "conv4/conv4_2": (3, 3, 512, 512),
    "fc1/fc1_1": (12288, 4096),
    "fc1/fc1_2": (4096, 4096),
    "fc2": (4096, 128),
}


def write_seeded_checkpoint(path: Path) -> None:
    """Write a TensorFlow 1 checkpoint, one file, with the golden values' random weights."""
    tf = tensorflow()
    rng = np.random.default_rng(SEED)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        variables = []
        for layer, shape in SHAPES.items():
            spread = np.float32(np.sqrt(2 / np.prod(shape[:-1])))
            kernel = rng.standard_normal(shape, np.float32) * spread
            bias = rng.standard_normal(shape[-1], np.float32) * np.float32(0.01)
            for name, value in (("weights", kernel), ("biases", bias)):
                start = tf.compat.v1.placeholder(tf.float32, value.shape)
                variable = tf.compat.v1.Variable(
                    start, name=f"vggish/{layer}/{name}", use_resource=False
                )
                session.run(variable.initializer, {start: value})
                variables.append(variable)
        version = tf.compat.v1.train.SaverDef.V1
        saver = tf.compat.v1.train.Saver(variables, write_version=version)
        saver.save(session, str(path), write_meta_graph=False, write_state=False)
