"""Lets the real picamera2 run on libcamera's virtual camera, on machines without a camera and without dma-heap.

Call ``install`` before anything imports picamera2. Display modules are mocked, buffers come from memfd instead of
dma-heap, and the query of raw modes, which a virtual camera has none of, is answered.
"""

from __future__ import annotations

import mmap
import os
import sys
from pathlib import Path
from typing import Any
from unittest import mock

CONFIGURATION = """\
"Virtual0":
  supported_formats:
  - {{width: 640, height: 480, frame_rates: [15, 30]}}
  frames: {{path: "{folder}/", scale_mode: "fill"}}
  location: "CameraLocationFront"
  model: "Virtual Face Camera"
"""


def configure(frames: Path) -> None:
    """Let libcamera's virtual camera show a folder of pictures 0.jpg, 1.jpg..."""
    folder = Path("/usr/share/libcamera/pipeline/virtual")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "virtual.yaml").write_text(CONFIGURATION.format(folder=frames))


def install(raw_size: tuple[int, int] = (640, 480)) -> None:
    """Replace what needs hardware."""
    for name in ("kms", "pykms", "pidng", "pidng.core", "pidng.camdefs", "OpenEXR", "Imath"):
        sys.modules.setdefault(name, mock.MagicMock())
    import picamera2.picamera2 as core

    core.DmaAllocator = _make_allocator()
    core.Picamera2._get_raw_modes = lambda self: [{"format": "NV12", "size": raw_size}]


def _make_allocator() -> type:
    import libcamera
    from picamera2.allocators.allocator import Allocator, Sync

    class MapSync(Sync):
        def __init__(self, allocator: Any, buffer: Any, write: bool) -> None:
            self._map = allocator.maps[buffer]

        def __enter__(self) -> mmap.mmap:
            return self._map

        def __exit__(self, *_: object) -> None:
            pass

        def get_buffer(self) -> mmap.mmap:
            return self._map

    class MemfdAllocator(Allocator):
        """Buffers of two planes each: luma, then interleaved chroma."""

        def __init__(self) -> None:
            super().__init__()
            self.sync = MapSync
            self.maps: dict[Any, mmap.mmap] = {}
            self._by_stream: dict[Any, list[Any]] = {}
            self._descriptors: list[int] = []

        def allocate(self, configuration: Any, _use_case: Any) -> None:
            self.close()
            for stream in configuration:
                self._by_stream[stream.stream] = [self._buffer(stream) for _ in range(stream.buffer_count)]

        def _buffer(self, stream: Any) -> Any:
            descriptor = os.memfd_create("frame")
            os.ftruncate(descriptor, stream.frame_size)
            self._descriptors.append(descriptor)
            luma = stream.stride * stream.size.height
            planes = []
            for offset, length in ((0, luma), (luma, stream.frame_size - luma)):
                plane = libcamera.FrameBuffer.Plane()
                plane.fd, plane.offset, plane.length = descriptor, offset, length
                planes.append(plane)
            buffer = libcamera.FrameBuffer(planes)
            self.maps[buffer] = mmap.mmap(descriptor, stream.frame_size)
            return buffer

        def buffers(self, stream: Any) -> list[Any]:
            return self._by_stream[stream]

        def close(self) -> None:
            for descriptor in self._descriptors:
                os.close(descriptor)
            self._descriptors, self._by_stream = [], {}

    return MemfdAllocator
