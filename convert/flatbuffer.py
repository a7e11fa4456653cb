"""A `.tflite` file as a tree of objects, and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flatbuffers
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray


def unpack(content: bytes) -> schema.ModelT:
    """The tree of a `.tflite` file: tables as objects, vectors as arrays."""
    return schema.ModelT.InitFromPackedBuf(content)


def pack(tree: schema.ModelT) -> bytes:
    """The `.tflite` file of a tree. The same tree gives the same bytes."""
    _drop_idle_buffers(tree)
    for buffer in tree.buffers:
        buffer.Pack = _aligned_pack(buffer)
    builder = _SharingBuilder(1 << 19)
    builder.Finish(tree.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def shorten_names(tree: schema.ModelT) -> None:
    """Name each inner tensor by the first layer that it comes from: the converter lists all that it made one of."""
    graph = tree.subgraphs[0]
    for index, tensor in enumerate(graph.tensors):
        if index not in (*graph.inputs, *graph.outputs):
            model, _, layer = tensor.name.split(b";")[0].partition(b"/")
            tensor.name = layer.split(b"/")[0] or model


def _drop_idle_buffers(tree: schema.ModelT) -> None:
    """Keep the first one, which is empty by convention, and those with data that something refers to."""
    users = [tensor for graph in tree.subgraphs for tensor in graph.tensors] + list(tree.metadata or ())
    filled = [index for index, buffer in enumerate(tree.buffers) if buffer.data is not None and len(buffer.data)]
    kept = sorted({user.buffer for user in users}.intersection(filled))
    places = {index: place for place, index in enumerate(kept, 1)}
    for user in users:
        user.buffer = places.get(user.buffer, 0)
    tree.buffers = [tree.buffers[0], *(tree.buffers[index] for index in kept)]


class _SharingBuilder(flatbuffers.Builder):
    """Writes equal vectors and names once: the zero points of weights alone are eight bytes of zero a channel."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self._written: dict[tuple[str, bytes], int] = {}

    def CreateNumpyVector(self, x: NDArray[Any]) -> int:  # noqa: N802 (the base class's name)
        return self._once((x.dtype.str, x.tobytes()), super().CreateNumpyVector, x)

    def CreateString(self, s: bytes, *options: str) -> int:  # noqa: N802
        return self._once(("text", s), super().CreateString, s, *options)

    def _once(self, key: tuple[str, bytes], write: Callable[..., int], *arguments: Any) -> int:
        if key not in self._written:
            self._written[key] = write(*arguments)
        return self._written[key]


def _aligned_pack(buffer: Any) -> Callable[[flatbuffers.Builder], int]:
    """Pack a buffer at a multiple of 16 bytes: the schema wants it, and the generated Python code does not do it."""

    def pack(builder: flatbuffers.Builder) -> int:
        data = None
        if buffer.data is not None and len(buffer.data):
            raw = bytes(bytearray(buffer.data))
            builder.StartVector(1, len(raw), 16)
            head = builder.head - len(raw)
            builder.head = head
            builder.Bytes[head : head + len(raw)] = raw
            data = builder.EndVector()
        schema.BufferStart(builder)
        if data is not None:
            schema.BufferAddData(builder, data)
        return schema.BufferEnd(builder)

    return pack


__all__ = ["pack", "shorten_names", "unpack"]
