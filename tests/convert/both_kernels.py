"""Runs in tflite-runtime's environment: ``python both_kernels.py MODEL PICTURES``, the pictures an .npy file.

Prints as JSON on how many of them the kernels made for this processor give the bytes of TFLite's reference kernels, and
how many there are.
"""

from __future__ import annotations

import json
import sys

import numpy as np
from tflite_runtime.interpreter import Interpreter, OpResolverType


def answers(model: str, pictures: np.ndarray, kind: OpResolverType) -> np.ndarray:
    interpreter = Interpreter(model, experimental_op_resolver_type=kind)
    interpreter.allocate_tensors()
    given, result = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    found = []
    for picture in pictures:
        interpreter.set_tensor(given, picture[None])
        interpreter.invoke()
        found.append(interpreter.get_tensor(result)[0])
    return np.array(found)


if __name__ == "__main__":
    model, pictures = sys.argv[1], np.load(sys.argv[2])
    mine, plain = (answers(model, pictures, kind) for kind in (OpResolverType.BUILTIN, OpResolverType.BUILTIN_REF))
    sys.stdout.write(json.dumps({"equal": int((mine == plain).all(axis=1).sum()), "of": len(pictures)}))
