"""Metadata is added without changing the model, in the standard form, and the same every time."""

import io
import json
import zipfile

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from convert.metadata import DETAILS_FILE, LABELS_FILE, NAME, embed
from convert.runtimes import RUNTIMES, Job, probe
from edge.classifier import default_model_path
from edge.labels import EMOTIONS
from edge.metadata import read_metadata

DETAILS = {"model_version": "1.2.3", "crop_margin": 0.1, "threshold": 0.5, "licence": "MIT", "note": "naïve ☺"}


@pytest.fixture(scope="module")
def shipped() -> bytes:
    return default_model_path().read_bytes()


@pytest.fixture(scope="module")
def described(shipped: bytes) -> bytes:
    return embed(shipped, EMOTIONS, DETAILS)


def test_the_archive_behind_the_model(described):
    with zipfile.ZipFile(io.BytesIO(described)) as archive:
        assert archive.testzip() is None
        assert archive.read(LABELS_FILE).decode().split("\n") == list(EMOTIONS)
        assert json.loads(archive.read(DETAILS_FILE)) == DETAILS


def test_edge_reads_it_back(described):
    about = read_metadata(described)
    assert about.labels == EMOTIONS
    assert about.settings == DETAILS


def test_the_input_is_described_as_a_picture_and_the_output_as_numbers(described):
    """Slots and enum values are those of TFLite's public schema, read here without a word of our own writer."""
    tree = schema.ModelT.InitFromPackedBuf(described)
    (entry,) = (entry for entry in tree.metadata if entry.name == NAME)
    content = bytes(tree.buffers[entry.buffer].data)

    def child(table, slot):
        return flatbuffers.table.Table(content, table.Indirect(table.Pos + field(table, slot)))

    def first(table, slot):
        return flatbuffers.table.Table(content, table.Indirect(table.Vector(field(table, slot))))

    def field(table, slot):
        return table.Offset(4 + 2 * slot)

    def kind(tensor):
        about = child(tensor, 3)  # TensorMetadata.content, of which slot 0 is the type of its properties
        return about.Get(flatbuffers.number_types.Uint8Flags, about.Pos + field(about, 0))

    root = flatbuffers.table.Table(content, int.from_bytes(content[:4], "little"))
    graph = first(root, 3)
    feature_properties, image_properties = 1, 2
    assert kind(first(graph, 2)) == image_properties
    assert kind(first(graph, 3)) == feature_properties


def test_the_same_arguments_give_the_same_bytes(shipped, described):
    assert embed(shipped, EMOTIONS, DETAILS) == described


def test_a_second_time_replaces_the_first(described):
    again = embed(described, EMOTIONS, DETAILS | {"model_version": "2"})
    tree = schema.ModelT.InitFromPackedBuf(again)
    assert [entry.name for entry in tree.metadata].count(NAME) == 1
    assert read_metadata(again).settings["model_version"] == "2"
    assert len(again) < len(described) * 1.1


def test_weights_stay_aligned_to_16_bytes(described):
    model = schema.Model.GetRootAs(described)
    places = []
    for index in range(model.BuffersLength()):
        data = model.Buffers(index).DataAsNumpy()
        if isinstance(data, np.ndarray):
            places.append(data.__array_interface__["data"][0])
    start = np.frombuffer(described, np.uint8).__array_interface__["data"][0]
    assert len(places) > 5
    assert {(place - start) % 16 for place in places} == {0}


def test_the_model_itself_is_unchanged(shipped, described):
    before, after = schema.ModelT.InitFromPackedBuf(shipped), schema.ModelT.InitFromPackedBuf(described)
    weights = [[None if b.data is None else bytes(bytearray(b.data)) for b in tree.buffers] for tree in (before, after)]
    kept = len(weights[0]) - sum(entry.name == NAME for entry in before.metadata)
    assert weights[0][:kept] == weights[1][:kept]
    assert [op.opcodeIndex for op in before.subgraphs[0].operators] == [
        op.opcodeIndex for op in after.subgraphs[0].operators
    ]


def test_both_runtimes_answer_as_before(runtimes, shipped, described, tmp_path):
    random = np.random.default_rng(3)
    np.save(tmp_path / "pictures.npy", random.integers(0, 256, (8, 48, 48, 3), np.uint8))
    for name, content in (("before", shipped), ("after", described)):
        (tmp_path / f"{name}.tflite").write_bytes(content)
    for runtime in RUNTIMES:
        before, after = probe(
            *(Job(runtime, tmp_path / f"{name}.tflite", tmp_path / "pictures.npy") for name in ("before", "after"))
        )
        assert before.error is None
        assert np.array_equal(before.outputs, after.outputs)
