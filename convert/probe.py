"""Run a model over pictures in whichever TFLite runtime this Python has, and say what it gave and how long it took.

Not imported: started with the Python of a runtime's own environment (see :mod:`convert.runtimes`), which has numpy,
one interpreter and nothing else. Takes a job as JSON in its argument, writes JSON to standard output.

Job: ``model``, ``pictures`` (.npy, uint8 (N, H, W, 3) RGB), ``outputs`` (.npy to write, or null), ``delegates`` (bool),
``threads`` (list to time, may be empty), ``timed`` (pictures in a round of a timing).
Answer: ``runtime``, ``version``, ``delegated`` (operators that a delegate took over), ``ms`` (threads -> median), or
``error``.
"""

import importlib
import importlib.metadata
import json
import statistics
import sys
import time

import numpy as np

ROUNDS = 5
RUNTIMES = {"tflite_runtime": "tflite-runtime", "ai_edge_litert": "ai-edge-litert"}


def find():
    """The interpreter module of this environment, and its name."""
    for package in RUNTIMES:
        try:
            return importlib.import_module(package + ".interpreter"), package
        except ModuleNotFoundError:
            continue
    raise SystemExit("no TFLite runtime in " + sys.prefix)


def run(job):
    """Run one job."""
    module, package = find()
    report = {"runtime": package, "version": importlib.metadata.version(RUNTIMES[package])}
    pictures = np.load(job["pictures"], mmap_mode="r")
    try:
        interpreter = start(module, job, threads=1)
        report["delegated"] = sum(op["op_name"] == "DELEGATE" for op in interpreter._get_ops_details())
        if job["outputs"]:
            np.save(job["outputs"], np.stack([classify(interpreter, picture) for picture in pictures]))
        report["ms"] = {
            str(threads): clock(start(module, job, threads), pictures[: job["timed"]]) for threads in job["threads"]
        }
    except (RuntimeError, ValueError) as error:  # what both interpreters raise for a file that they cannot run
        report["error"] = " ".join(str(error).split())
    return report


def start(module, job, threads):
    """An interpreter, ready for its first picture."""
    options = {"model_path": job["model"], "num_threads": threads}
    if not job["delegates"]:
        options["experimental_op_resolver_type"] = module.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = module.Interpreter(**options)
    interpreter.allocate_tensors()
    return interpreter


def classify(interpreter, picture):
    """The raw output row of one picture: bytes go straight into a uint8 model, floats are scaled to [0, 1]."""
    entry = interpreter.get_input_details()[0]
    if entry["dtype"] != np.uint8:
        picture = picture.astype(np.float32) / np.float32(255)
    interpreter.set_tensor(entry["index"], picture[None])
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0]


def clock(interpreter, pictures):
    """Median milliseconds of one picture, in the quietest of some rounds: another program's work is not the model's."""
    rounds = []
    for _ in range(ROUNDS):
        taken = []
        for picture in pictures:
            begun = time.perf_counter()
            classify(interpreter, picture)
            taken.append((time.perf_counter() - begun) * 1000)
        rounds.append(statistics.median(taken))
    return min(rounds)


if __name__ == "__main__":
    json.dump(run(json.loads(sys.argv[1])), sys.stdout)
