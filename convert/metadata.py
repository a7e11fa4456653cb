"""TFLite's standard model metadata: a flatbuffer inside the file and a zip of associated files behind it.

Written by hand after the public schema ("metadata_schema.fbs", file identifier M001): the numbers below are its slots
and enum values. MediaPipe Tasks, Android Studio and :mod:`edge.metadata` read it.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import flatbuffers
from ai_edge_litert import schema_py_generated as schema

from convert.flatbuffer import pack, unpack

NAME = b"TFLITE_METADATA"
LABELS_FILE = "labels.txt"
DETAILS_FILE = "emotion-edge.json"
MIN_PARSER_VERSION = "1.0.0"
_CONVERTER = b"CONVERSION_METADATA"  # TensorFlow's own; our details name the versions

_RGB = 1  # ColorSpaceType
_FEATURES, _IMAGE = 1, 2  # ContentProperties
_NORMALIZATION = 1  # ProcessUnitOptions
_DESCRIPTIONS, _AXIS_LABELS = 1, 2  # AssociatedFileType
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)  # the same model gives the same bytes


def embed(model: bytes, labels: Sequence[str], details: Mapping[str, Any]) -> bytes:
    """Add standard metadata, the labels and our own details to a model.

    Args:
        model: A `.tflite` file with one picture input (1, height, width, 3) in [0, 1] and one output (1, labels).
        labels: Name of each output, in order.
        details: What ``emotion-edge.json`` says: version, crop margin, threshold, licence, metrics...

    Returns:
        The `.tflite` file with metadata. The same arguments give the same bytes.
    """
    tree = unpack(model)
    graph = tree.subgraphs[0]
    _, height, width, _ = graph.tensors[graph.inputs[0]].shape

    entry = schema.MetadataT()
    entry.name = NAME
    entry.buffer = len(tree.buffers)
    described = schema.BufferT()
    described.data = _describe(labels, details, height, width)
    tree.buffers.append(described)
    tree.metadata = [*(old for old in tree.metadata or () if old.name not in (NAME, _CONVERTER)), entry]
    return pack(tree) + _archive(labels, details)


def _archive(labels: Sequence[str], details: Mapping[str, Any]) -> bytes:
    """The zip that stands behind the flatbuffer: readers find its directory from the end of the file."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for name, text in (
            (LABELS_FILE, "\n".join(labels)),
            (DETAILS_FILE, json.dumps(details, indent=1, sort_keys=True, ensure_ascii=False)),
        ):
            archive.writestr(zipfile.ZipInfo(name, _ZIP_TIME), text)
    return content.getvalue()


def _describe(labels: Sequence[str], details: Mapping[str, Any], height: int, width: int) -> bytes:
    """The ModelMetadata table: what goes in, what comes out, and how each is to be read."""
    builder = flatbuffers.Builder(2048)
    table = partial(_table, builder)
    text = builder.CreateString

    def files(*named: tuple[str, str, int]) -> int:
        return _vector(
            builder, [table(_Ref(text(name)), _Ref(text(about)), _Byte(kind)) for name, about, kind in named]
        )

    size = table(_UInt(width), _UInt(height))
    picture = table(_Byte(_RGB), _Ref(size))
    # Normalize, then quantize with the tensor's own scale and zero point: bytes 0..255 become 0..1 and, in a uint8 file
    # of scale 1/255, the same bytes again.
    scaling = table(_Ref(_floats(builder, 0.0)), _Ref(_floats(builder, 255.0)))
    entry = table(
        _Ref(text("image")),
        _Ref(text(f"RGB crop of one face, {width}x{height} pixels, 0 to 1.")),
        None,
        _Ref(table(_Byte(_IMAGE), _Ref(picture))),
        _Ref(_vector(builder, [table(_Byte(_NORMALIZATION), _Ref(scaling))])),
        _Ref(table(_Ref(_floats(builder, 1.0)), _Ref(_floats(builder, 0.0)))),
    )
    result = table(
        _Ref(text("probability")),
        _Ref(text("Probability of each emotion; they sum to 1.")),
        None,
        _Ref(table(_Byte(_FEATURES), _Ref(table()))),
        None,
        _Ref(table(_Ref(_floats(builder, 1.0)), _Ref(_floats(builder, 0.0)))),
        _Ref(files((LABELS_FILE, "Name of each emotion, in the order of the output.", _AXIS_LABELS))),
    )
    graph = table(None, None, _Ref(_vector(builder, [entry])), _Ref(_vector(builder, [result])))
    root = table(
        _Ref(text("emotion-edge")),
        _Ref(text(f"Which of {len(labels)} emotions a face shows.")),
        _Ref(text(str(details.get("model_version", "")))),
        _Ref(_vector(builder, [graph])),
        _Ref(text("emotion-edge")),
        _Ref(text(str(details.get("licence", "")))),
        _Ref(files((DETAILS_FILE, "Settings, metrics and versions.", _DESCRIPTIONS))),
        _Ref(text(MIN_PARSER_VERSION)),
    )
    builder.Finish(root, file_identifier=b"M001")
    return bytes(builder.Output())


class _Ref(int):
    """Offset of something written before."""


class _Byte(int):
    """An enum value or union tag."""


class _UInt(int):
    """An unsigned number of 32 bits."""


def _table(builder: flatbuffers.Builder, *slots: _Ref | _Byte | _UInt | None) -> int:
    """Write one table; a value's position is its slot, None leaves the slot out."""
    builder.StartObject(len(slots))
    for slot, value in enumerate(slots):
        match value:
            case _Ref():
                builder.PrependUOffsetTRelativeSlot(slot, int(value), 0)
            case _Byte():
                builder.PrependUint8Slot(slot, int(value), 0)
            case _UInt():
                builder.PrependUint32Slot(slot, int(value), 0)
    return builder.EndObject()


def _vector(builder: flatbuffers.Builder, offsets: Sequence[int]) -> int:
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return builder.EndVector()


def _floats(builder: flatbuffers.Builder, *values: float) -> int:
    builder.StartVector(4, len(values), 4)
    for value in reversed(values):
        builder.PrependFloat32(value)
    return builder.EndVector()


__all__ = ["DETAILS_FILE", "LABELS_FILE", "embed"]
