"""What each stage of a frame takes at least: its arithmetic and bytes over what one core can do, here and on a Pi."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from edge.benchmark.frames import make_frame
from edge.benchmark.measure import repeat
from edge.classifier import Classifier
from edge.errors import RuntimeMissingError
from edge.opencv import cv2
from edge.types import Box

SIZE = (640, 480)
FACE = Box(40, 40, 160, 160)
# 10^9 multiply-adds of float32, and bytes, a second of one core. Cortex-A72 at 1.8 GHz multiplies a vector of four
# numbers a cycle, Cortex-A76 at 2.4 GHz two (Arm's software optimization guides); 32 bits of memory at 3,200 and
# 4,267 million transfers a second (Raspberry Pi's product briefs).
RATES = {"pi4": (1.8 * 4, 12.8), "pi5": (2.4 * 8, 17.1)}
_WEIGHTS = ("CONV_2D", "FULLY_CONNECTED")


def measure_limits(classifier: Classifier, *, rounds: int, seconds: float) -> dict[str, Any]:
    """The stages of a frame of 640x480 with one face on one thread, as plain JSON values.

    Returns:
        ``rates``: GMAC/s and GB/s here and on Pis. ``stages``: multiply-adds and least bytes of each, its median here
        in milliseconds, and the least that it takes at those rates: whichever needs longer, arithmetic or bytes.
    """
    rates = {"here": own_rates(), **RATES}
    stages = []
    for name, macs, size, work in _stages(classifier):
        took_ms = float(np.median(repeat(work, rounds=rounds, seconds=seconds)))
        row: dict[str, Any] = {"stage": name, "macs": macs, "bytes": size, "ms": round(took_ms, 3)}
        for place, (gmacs, gbytes) in rates.items():
            row[f"limit_{place}_ms"] = round(max(macs / gmacs, size / gbytes) / 1e6, 3)
        stages.append(row)
    named = {place: {"gmac_s": round(gmacs, 1), "gb_s": round(gbytes, 1)} for place, (gmacs, gbytes) in rates.items()}
    return {"rates": named, "stages": stages}


def own_rates() -> tuple[float, float]:
    """What this core does: multiply-adds of a large float32 product, and bytes read and written by a large copy."""
    side = 512
    one = np.ones((side, side), np.float32)
    product_ms = min(repeat(lambda: one @ one, rounds=10, seconds=1))
    many = np.zeros(2**24, np.uint8)
    other = np.empty_like(many)
    copy_ms = min(repeat(lambda: np.copyto(other, many), rounds=10, seconds=1))
    return side**3 / product_ms / 1e6, 2 * many.size / copy_ms / 1e6


def _stages(classifier: Classifier) -> Iterator[tuple[str, int, int, Callable[[], object]]]:
    """Name, multiply-adds, bytes that it must read and write, and the work itself."""
    frame, spec = make_frame(SIZE, 1), classifier.input_spec
    jpeg = cv2.imencode(".jpg", frame[:, :, ::-1])[1]
    yield "decode a JPEG", 0, jpeg.nbytes + frame.nbytes, lambda: cv2.imdecode(jpeg, cv2.IMREAD_COLOR)
    try:
        from edge.detectors.yunet import YuNetDetector

        detector = YuNetDetector()
        macs, size = macs_of_onnx(detector.path), frame.nbytes + detector.path.stat().st_size
        yield "search, YuNet", macs, size, lambda: detector.hits(frame)
    except RuntimeMissingError:
        pass  # the cascade's arithmetic depends on the picture
    crop = spec.prepare(frame, FACE)
    yield "prepare a face", 0, FACE.area * 3 + crop.nbytes, lambda: spec.prepare(frame, FACE)
    size = crop.nbytes + classifier.path.stat().st_size
    yield "classify a face", macs_of(classifier), size, lambda: classifier.predict([crop])


def macs_of(classifier: Classifier) -> int:
    """Multiply-adds of a model's convolutions and dense layers."""
    interpreter, total = classifier.runtime.interpreter, 0
    shapes = {one["index"]: one["shape"] for one in interpreter.get_tensor_details()}
    for operation in interpreter._get_ops_details():
        name, inputs, outputs = (operation[key] for key in ("op_name", "inputs", "outputs"))
        if name in (*_WEIGHTS, "DEPTHWISE_CONV_2D"):
            weights = shapes[inputs[1]]
            each = weights[1:] if name in _WEIGHTS else weights[1:3]
            total += int(np.prod(shapes[outputs[0]]) * np.prod(each))
    return total


def macs_of_onnx(path: Path) -> int:
    """Multiply-adds of YuNet's convolutions at 640x480; OpenCV's own count takes no heed of groups."""
    network, total = cv2.dnn.readNet(str(path)), 0
    numbers, _, outputs = network.getLayersShapes([1, 3, SIZE[1], SIZE[0]])
    for number, shapes in zip(numbers, outputs, strict=True):
        layer = network.getLayer(int(number))
        if layer.type == "Convolution":
            total += int(np.prod(shapes[0]) * np.prod(layer.blobs[0].shape[1:]))
    return total


__all__ = ["RATES", "macs_of", "macs_of_onnx", "measure_limits", "own_rates"]
