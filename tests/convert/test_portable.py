"""An int8 file answers with the same bytes whatever kernels a processor has, as TFLite's reference kernels do."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from PIL import Image

from convert.flatbuffer import pack, unpack
from convert.runtimes import OLDEST
from edge.classifier import default_model_path


def agreement(model: Path, pictures: np.ndarray, folder: Path) -> dict[str, int]:
    """On how many pictures tflite-runtime's kernels for this processor give the bytes of its reference kernels."""
    np.save(folder / "pictures.npy", pictures)
    program = Path(__file__).with_name("both_kernels.py")
    command = [OLDEST.python, program, model, folder / "pictures.npy"]
    return json.loads(subprocess.run(command, check=True, capture_output=True, timeout=120).stdout)


def blurred_noise(size: int) -> np.ndarray:
    """Pictures that networks are unsure about, so that a small difference shows: uint8 (300, size, size, 3)."""
    small = np.random.default_rng(3).integers(0, 256, (300, 6, 6, 3), np.uint8)
    return np.stack([np.asarray(Image.fromarray(one).resize((size, size), Image.Resampling.BICUBIC)) for one in small])


@pytest.mark.parametrize("name", ["residual", "sequential"])
def test_a_converted_model_needs_no_rounding_of_negatives(runtimes, convert_again, workshop, tmp_path, name):
    made = tmp_path / "made.tflite"
    done = convert_again(workshop.folder / f"{name}.keras", "--data", workshop.data, "--output", made, "--samples", 60)
    assert done.returncode == 0, done.stderr
    assert agreement(made, blurred_noise(24), tmp_path) == {"equal": 300, "of": 300}


def test_the_shipped_model_does_not_either(runtimes, tmp_path):
    assert agreement(default_model_path(), blurred_noise(48), tmp_path) == {"equal": 300, "of": 300}


def test_the_shipped_softmax_is_computed_in_floating_point():
    tree = unpack(default_model_path().read_bytes())
    graph = tree.subgraphs[0]
    (softmax,) = (op for op in graph.operators if tree.operatorCodes[op.opcodeIndex].builtinCode == 25)
    assert graph.tensors[softmax.inputs[0]].type == schema.TensorType.FLOAT32
    assert [graph.tensors[index].type for index in graph.outputs] == [schema.TensorType.UINT8]


def test_packing_writes_equal_vectors_and_used_buffers_once():
    content = default_model_path().read_bytes()
    tree = unpack(content)
    packed = pack(tree)
    idle = schema.BufferT()
    idle.data = np.zeros(5000, np.uint8)
    tree.buffers.insert(1, idle)
    for user in [*tree.subgraphs[0].tensors, *tree.metadata]:
        user.buffer += user.buffer > 0
    assert pack(tree) == packed
    assert len(packed) < len(content), "equal vectors are shared, as in the shipped file"
