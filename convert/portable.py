"""What is done to a network so that its int8 outputs do not depend on the processor.

Kernels round in their own way where a processor makes that cheaper. A graph that never depends on it gives the same
bytes on a Pi as on the workstation where it was measured.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from convert.errors import ConversionError
from convert.ranges import span

if TYPE_CHECKING:
    import keras

STEPS = 255  # from the lowest to the highest value of an int8 tensor


def pooling(layer: keras.Layer) -> keras.Layer:
    """The same layer, but global pooling as ``AVERAGE_POOL_2D``: as ``MEAN`` it differs by a step between runtimes."""
    from keras import layers

    if isinstance(layer, layers.GlobalAveragePooling2D) and layer.keepdims and layer.data_format == "channels_last":
        return layers.AveragePooling2D(tuple(layer.input.shape[1:3]), name=layer.name)
    return layer.__class__.from_config(layer.get_config())


def without_signs(model: keras.Model, pictures: NDArray[np.float32]) -> keras.Model:
    """The network up to its logits, with no convolution that gives negative values.

    tflite-runtime's kernels for x86-64 round a negative half up, its others away from zero. So a branch ``x`` of a
    sum becomes ``relu(x + c)``, where ``c`` is what lifts it to zero, and one of the branches is lowered again by what
    all were lifted; the converter makes ``+ c`` and ``relu`` part of the convolution. The logits are all lifted by the
    same, which their softmax does not see.

    Args:
        model: From :func:`convert.export.load`, with a softmax at its end.
        pictures: Calibration pictures (N, height, width, 3) float32 in [0, 1].

    Returns:
        A model of the logits.

    Raises:
        ConversionError: The last layer is no softmax.
    """
    import keras
    from keras import layers

    sums = [layer for layer in model.layers if isinstance(layer, layers.Add)]
    ranges = iter(_ranges(model, [branch for layer in sums for branch in layer.input], pictures))
    lifts = {layer.name: _lifts([next(ranges) for _ in layer.input]) for layer in sums}

    def call(layer: keras.Layer, *arguments: Any, **options: Any) -> Any:
        if layer.name not in lifts:
            return layer(*arguments, **options)
        terms, (steps, lowered) = list(arguments[0]), lifts[layer.name]
        for number, c in enumerate(steps):
            if c:
                up = layers.Rescaling(1.0, c, name=f"{layer.name}_branch_{number}_up")(terms[number])
                terms[number] = layers.ReLU(name=f"{layer.name}_branch_{number}")(up)
        if any(steps):
            down = layers.Rescaling(1.0, -sum(steps), name=f"{layer.name}_branch_{lowered}_down")
            terms[lowered] = down(terms[lowered])
        return layer(terms)

    image = keras.Input(batch_shape=model.input_shape, dtype="float32", name="image")
    made = keras.models.clone_model(model, input_tensors=image, call_function=call)
    for layer in model.layers:
        made.get_layer(layer.name).set_weights(layer.get_weights())
    logits = _logits(made)
    ((lowest, _),) = _ranges(made, [logits], pictures)
    last = next(layer for layer in reversed(made.layers) if getattr(layer, "bias", None) is not None)
    last.bias.assign(last.bias - lowest)
    return keras.Model(made.inputs, logits)


def _logits(model: keras.Model) -> keras.KerasTensor:
    """What the softmax at a model's end is given; one that is part of a layer is taken off."""
    import keras

    last = model.layers[-1]
    if isinstance(last, keras.layers.Softmax):
        return last.input
    if getattr(last, "activation", None) is not keras.activations.softmax:
        raise ConversionError(f"the last layer, {last.name}, is no softmax; end the model with keras.layers.Softmax()")
    last.activation = keras.activations.linear
    return last.output


def _ranges(model: keras.Model, tensors: list[Any], pictures: NDArray[np.float32]) -> list[tuple[float, float]]:
    """The range of each tensor over the pictures."""
    import keras

    if not tensors:
        return []
    watch = keras.Model(model.inputs, {str(number): tensor for number, tensor in enumerate(tensors)})
    seen = []
    for picture in pictures:
        values = watch.predict_on_batch(picture[None])
        seen.append([(values[str(number)].min(), values[str(number)].max()) for number in range(len(tensors))])
    return [span(*ends) for ends in np.moveaxis(np.array(seen, float), 0, -1)]


def _lifts(ranges: list[tuple[float, float]]) -> tuple[list[float], int]:
    """What lifts each branch of a sum to zero and above, and which branch is best lowered by all of it.

    That one still has values around zero afterwards, or its scale would grow. All lifts are whole numbers of its
    steps, so that lowering it loses nothing; less than a step is cut off at the low end.
    """
    lifts = [max(0.0, -lowest) for lowest, _ in ranges]
    lowered = max(range(len(ranges)), key=lambda number: ranges[number][1] + lifts[number] if lifts[number] else 0)
    lowest, highest = ranges[lowered]
    if not lifts[lowered] or highest <= 0:
        return lifts, lowered
    steps = min(math.floor(STEPS * lifts[lowered] / (highest - lowest)), STEPS - 1)
    step = highest / (STEPS - steps)
    return [math.floor(lift / step) * step for lift in lifts], lowered


def end_in_softmax(tree: schema.ModelT) -> None:
    """Make the file of :func:`without_signs`, whose output are int8 logits, one of uint8 probabilities.

    The softmax is computed in floating point: the int8 one looks its results up in tables that differ between
    processors.
    """
    graph = tree.subgraphs[0]
    (output,) = tree.signatureDefs[0].outputs
    operator = schema.BuiltinOperator
    logits = _append(tree, operator.DEQUANTIZE, 2, output.tensorIndex, schema.TensorType.FLOAT32)
    softmax = _append(tree, operator.SOFTMAX, 1, logits, schema.TensorType.FLOAT32)
    options = schema.SoftmaxOptionsT()
    options.beta = 1.0
    graph.operators[-1].builtinOptionsType = schema.BuiltinOptions.SoftmaxOptions
    graph.operators[-1].builtinOptions = options
    output.tensorIndex = _append(tree, operator.QUANTIZE, 1, softmax, schema.TensorType.UINT8)
    graph.tensors[-1].quantization = scale = schema.QuantizationParametersT()
    scale.scale, scale.zeroPoint = np.array([1 / 256], np.float32), np.array([0])
    graph.outputs = np.array([output.tensorIndex], np.int32)


def _append(tree: schema.ModelT, code: int, version: int, source: int, kind: int) -> int:
    """Add an operator of one input at the end of the graph, and its output; gives the output's index."""
    graph = tree.subgraphs[0]
    known = [(opcode.builtinCode, opcode.version) for opcode in tree.operatorCodes]
    if (code, version) not in known:
        opcode = schema.OperatorCodeT()
        opcode.builtinCode = opcode.deprecatedBuiltinCode = code
        opcode.version = version
        tree.operatorCodes.append(opcode)
        known.append((code, version))
    made, operator = schema.TensorT(), schema.OperatorT()
    made.name = b"probabilities"
    made.shape, made.type, made.hasRank = graph.tensors[source].shape, kind, True
    graph.tensors.append(made)
    operator.opcodeIndex = known.index((code, version))
    operator.inputs, operator.outputs = np.array([source], np.int32), np.array([len(graph.tensors) - 1], np.int32)
    graph.operators.append(operator)
    return len(graph.tensors) - 1


__all__ = ["end_in_softmax", "pooling", "without_signs"]
