"""Files that a runtime cannot run are named with what it lacks; int8 must run in every one."""

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from flatbuffers import Builder

from convert.runtimes import RUNTIMES, Job, explain, probe
from convert.verify import verify
from edge.classifier import default_model_path


@pytest.fixture
def from_the_future(tmp_path):
    """The shipped model, wanting a convolution of a version that no runtime has."""
    tree = schema.ModelT.InitFromPackedBuf(default_model_path().read_bytes())
    for code in tree.operatorCodes:
        if code.builtinCode == schema.BuiltinOperator.CONV_2D:
            code.version = 99
    builder = Builder(1 << 16)
    builder.Finish(tree.Pack(builder), file_identifier=b"TFL3")
    path = tmp_path / "future.tflite"
    path.write_bytes(bytes(builder.Output()))
    return path


@pytest.fixture
def pictures(tmp_path):
    path = tmp_path / "pictures.npy"
    np.save(path, np.random.default_rng(5).integers(0, 256, (12, 48, 48, 3), np.uint8))
    return path


def test_missing_operator_is_named(runtimes, from_the_future, pictures):
    for runtime in RUNTIMES:
        (ran,) = probe(Job(runtime, from_the_future, pictures))
        assert ran.error == "lacks operator CONV_2D version 99"
        assert ran.outputs is None


@pytest.mark.parametrize("form", ["int8", "float16"])
def test_a_file_that_runs_nowhere_is_refused(runtimes, from_the_future, pictures, form):
    found = verify(
        form, from_the_future, pictures, trained=np.eye(5)[[0] * 12], labels=np.zeros(12, int), runtimes=RUNTIMES
    )
    assert found.refused.startswith("does not run: tflite-runtime 2.14.0 lacks operator CONV_2D version 99")
    assert found.scores == {}


def test_a_file_that_is_none(runtimes, tmp_path, pictures):
    (tmp_path / "text.tflite").write_text("no model " * 100)
    for runtime in RUNTIMES:
        (ran,) = probe(Job(runtime, tmp_path / "text.tflite", pictures))
        assert ran.error
        assert "\n" not in ran.error


def test_threads_are_timed_and_delegates_counted(runtimes, tmp_path, pictures):
    copy = tmp_path / "copy.tflite"
    copy.write_bytes(default_model_path().read_bytes())
    oldest, newest = (
        probe(Job(runtime, copy, pictures, outputs=False, threads=(1, 2), timed=3))[0] for runtime in RUNTIMES
    )
    for ran in (oldest, newest):
        assert set(ran.ms) == {1, 2}
        assert all(ms > 0 for ms in ran.ms.values())
    assert oldest.runtime == "tflite-runtime 2.14.0"
    assert oldest.delegated == 1  # tflite-runtime 2.14 has no XNNPACK for int8: the softmax is in floating point
    assert newest.delegated > 1


def test_a_file_is_held_against_the_trained_model(runtimes, tmp_path, pictures):
    copy = tmp_path / "copy.tflite"
    copy.write_bytes(default_model_path().read_bytes())
    (ran,) = probe(Job(RUNTIMES[0], copy, pictures))
    labels = ran.probabilities.argmax(axis=1)
    found = verify("float32", copy, pictures, trained=ran.probabilities, labels=labels, runtimes=RUNTIMES[:1])
    assert found.refused is None
    assert found.scores[ran.runtime].accuracy == 1
    other = np.roll(ran.probabilities, 1, axis=1)
    refused = verify("float32", copy, pictures, trained=other, labels=other.argmax(axis=1), runtimes=RUNTIMES[:1])
    assert "lost 100.00 points" in refused.refused


def test_explain_keeps_what_it_does_not_know():
    assert explain("Didn't find op for builtin opcode 'FULLY_CONNECTED' version '12'. An older version...") == (
        "lacks operator FULLY_CONNECTED version 12"
    )
    assert explain("something else") == "something else"
