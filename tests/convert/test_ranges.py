"""The steps of int8 are spread over what most calibration pictures need, not over what the rarest one does."""

import numpy as np
import pytest
from PIL import Image

from convert.flatbuffer import unpack
from convert.ranges import span
from edge.labels import EMOTIONS

BRIGHT, DARK, BLACK = 250, 120, 0


def test_a_span_leaves_out_the_rarest_pictures_but_never_zero():
    lowest, highest = [-9.0] + [-1.0] * 99, [1.0] * 5 + [2.0] * 94 + [50.0]
    assert span(lowest, highest) == (-1.0, 2.0)
    assert span([1.0] * 10, [3.0] * 10) == (0.0, 3.0)
    assert span([-3.0] * 10, [-1.0] * 10) == (-3.0, 0.0)


@pytest.fixture
def lamps(tmp_path):
    """A folder per class of dark pictures, one in ten black; in ``bright`` half are bright, in ``dark`` few."""
    for name, every in (("bright", 2), ("dark", 20)):
        for number, label in enumerate(EMOTIONS):
            (tmp_path / name / label).mkdir(parents=True)
            for copy in range(40):
                value = BRIGHT if copy % every == 0 else BLACK if copy % 10 == 5 else DARK
                picture = np.full((24, 24), value, np.uint8)
                picture[5, 5:10] = (number, copy, 0, 0, 0)  # no two alike
                Image.fromarray(picture).save(tmp_path / name / label / f"{copy}.png")
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize(("name", "brightest"), [("dark", DARK), ("bright", BRIGHT)])
def test_the_scale_of_the_logits_is_that_of_most_pictures(runtimes, convert_again, workshop, lamps, name, brightest):
    made = lamps / "made.tflite"
    done = convert_again(workshop.folder / "meter.keras", "--data", lamps / name, "--output", made, "--samples", 150)
    assert done.returncode == 0, done.stderr
    tree = unpack(made.read_bytes())
    graph = tree.subgraphs[0]
    (dequantize,) = (op for op in graph.operators if tree.operatorCodes[op.opcodeIndex].builtinCode == 6)
    (scale,) = graph.tensors[dequantize.inputs[0]].quantization.scale
    assert 255 * scale == pytest.approx(10 * brightest / 255, rel=0.1)
