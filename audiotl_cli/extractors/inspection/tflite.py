"""Describe TFLite files, from their bytes alone."""

from __future__ import annotations

from audiotl_cli.extractors.engines.tflite_file import CUSTOM, Tensor, TfliteModel, parse_tflite
from audiotl_cli.extractors.inspection.described import Described, TensorInfo, rank
from audiotl_cli.extractors.model_layout import shape_of

FULLY_CONNECTED, BATCH_MATMUL = 9, 126  # of schema.fbs


def describe_tflite(content: bytes) -> Described:
    """Return what a TFLite file takes and gives; ValueError if it is no such file."""
    model = parse_tflite(content)
    computed = [
        number for operator in model.operators for number in operator.outputs if number >= 0
    ]
    tensors = [_info(model.tensors[number]) for number in computed]
    inputs, outputs = (
        [_info(model.tensors[number]) for number in numbers]
        for numbers in (model.inputs, model.outputs)
    )
    names = {tensor.name for tensor in outputs}
    custom = sorted({operator.name for operator in model.operators if operator.code == CUSTOM})
    problem = f"it needs operators that LiteRT does not have: {', '.join(custom)}" if custom else ""
    return Described(
        inputs,
        outputs,
        rank(tensors, names, _before_last_product(model), channels=3),
        [tensor for tensor in tensors if tensor.name not in names],
        len(model.operators),
        {},
        {},
        problem[:300],
    )


def _info(tensor: Tensor) -> TensorInfo:
    return TensorInfo(tensor.name, tensor.dtype, shape_of(tensor.signature))


def _before_last_product(model: TfliteModel) -> str:
    for operator in reversed(model.operators):
        if operator.code in (FULLY_CONNECTED, BATCH_MATMUL) and operator.inputs:
            return model.tensors[operator.inputs[0]].name
    return ""
