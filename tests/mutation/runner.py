"""Runs pytest for run.py, each time in a fork of this process, which has loaded what takes long to load.

A line of JSON on standard input is a run: [its arguments, most seconds, whether to keep bytecode]. The answer is one
too: ["killed", "survived" or "timeout", what pytest said].
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import tempfile

# Nothing of ours, which changes from run to run.
import cv2
import hypothesis
import numpy
import pytest
import scipy.optimize

LOADED = (cv2, hypothesis, numpy, scipy.optimize)


def run(arguments: list[str], limit_s: float, keep_bytecode: bool) -> tuple[str, str]:
    """One run of pytest; what it started and left behind ends with it."""
    with tempfile.TemporaryFile() as output:
        child = os.fork()
        if not child:
            code = 1
            try:
                os.setsid()
                for stream in (1, 2):
                    os.dup2(output.fileno(), stream)
                if not keep_bytecode:
                    sys.dont_write_bytecode = True
                    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
                code = int(pytest.main(arguments))
                sys.stdout.flush()
            finally:
                os._exit(code)
        in_time, _, _ = select.select([ended := os.pidfd_open(child)], [], [], limit_s)
        os.close(ended)
        os.killpg(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        output.seek(0)
        said = output.read().decode(errors="replace")
    if not in_time:
        return "timeout", said
    return ("killed" if status else "survived"), said


if __name__ == "__main__":
    for line in sys.stdin:
        sys.stdout.write(json.dumps(run(*json.loads(line))) + "\n")
        sys.stdout.flush()
