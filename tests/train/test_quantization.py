"""Kernels on int8's steps: what is computed while learning, what is saved, and what the converter makes of it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops
from numpy.typing import NDArray

from convert import export
from convert.flatbuffer import unpack
from train.networks import load_network, residual
from train.quantization import fake_quantized, quantization_aware, quantize_kernels


@pytest.fixture
def network() -> keras.Model:
    """A small one whose batch normalization changes channels in size and sign."""
    keras.utils.set_random_seed(0)
    made = residual((6,), (0,), stem=4, size=16)
    random = np.random.default_rng(1)
    for layer in made.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            gamma, *others = layer.get_weights()
            layer.set_weights([random.uniform(0.3, 2, gamma.shape) * random.choice([-1, 1], gamma.shape), *others])
    return made


def kernels(network: keras.Model) -> list[NDArray[np.float32]]:
    """Those that are learned, each (inputs, output channels)."""
    learned = [layer for layer in network.layers if isinstance(layer, keras.layers.Conv2D) and layer.trainable]
    return [ops.convert_to_numpy(layer.kernel).reshape(-1, layer.filters) for layer in learned]


def pictures(count: int) -> NDArray[np.float32]:
    return np.random.default_rng(2).random((count, 16, 16, 3), np.float32)


def test_a_channel_has_255_steps_and_each_weight_the_nearest() -> None:
    kernel = np.random.default_rng(3).normal(size=(3, 3, 40, 2)).astype(np.float32) * [1, 100]
    kernel[..., 1].flat[0] = -1000
    near = ops.convert_to_numpy(fake_quantized(kernel))
    for channel in range(2):
        before, after = kernel[..., channel], near[..., channel]
        step = np.abs(before).max() / 127
        assert np.abs(after).max() == pytest.approx(np.abs(before).max())
        np.testing.assert_allclose(after / step, np.rint(after / step), atol=1e-4)
        assert np.abs(after - before).max() <= step * 0.5001
    assert not ops.convert_to_numpy(fake_quantized(np.zeros((1, 1, 2, 2), np.float32))).any()


def test_learning_computes_with_rounded_kernels_and_moves_the_ones_behind_them(network: keras.Model) -> None:
    learning = quantization_aware(network)
    learning.set_weights(network.get_weights())
    exact = network.predict_on_batch(pictures(8))
    computed = learning.predict_on_batch(pictures(8))
    luma = network.get_layer("luma")
    luma.kernel.assign(fake_quantized(luma.kernel))
    quantize_kernels(network)
    np.testing.assert_allclose(computed, network.predict_on_batch(pictures(8)), atol=1e-5)
    assert np.abs(computed - exact).max() > 1e-4

    before = kernels(learning)
    learning.compile(keras.optimizers.SGD(1e-3), "sparse_categorical_crossentropy")
    learning.train_on_batch(pictures(20), np.arange(20) % 5)
    for old, new in zip(before, kernels(learning), strict=True):
        moved = np.abs(new - old)
        assert 0 < np.median(moved) < np.abs(old).max() / 127 / 2, "less than half a step, and not forgotten"


@pytest.mark.slow
def test_a_run_saves_kernels_as_the_converter_writes_them(
    fit: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    process = fit(tmp_path / "run", "epochs=1")
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    path = tmp_path / "run" / "model.keras"
    saved = kernels(load_network(path))

    calibration = (pictures(20) * 255).astype(np.uint8)
    tree = unpack(export.export(export.load(path), "int8", calibration))
    graph = tree.subgraphs[0]
    written = []
    for operator in graph.operators:
        if len(operator.inputs) == 3:  # a convolution: its input, kernel and bias
            raw = np.asarray(tree.buffers[graph.tensors[operator.inputs[1]].buffer].data, np.uint8).view(np.int8)
            shape = graph.tensors[operator.inputs[1]].shape
            written.append(raw.reshape(shape).transpose(1, 2, 3, 0).reshape(-1, shape[0]))
    for kernel in saved:
        scaled = kernel / np.abs(kernel).max(axis=0) * 127
        steps = np.rint(scaled).astype(int)
        np.testing.assert_allclose(scaled, steps, atol=1e-3)
        assert any(w.shape == steps.shape and np.array_equal(np.abs(w), np.abs(steps)) for w in written)
