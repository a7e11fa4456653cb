"""Why a camera or a network stream cannot be opened: OpenCV only says that it cannot."""

from __future__ import annotations

import errno
import fcntl
import grp
import os
import re
import socket
import ssl
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from edge.sources.snapshot import fetch, is_known_login

# ioctl VIDIOC_REQBUFS of struct v4l2_requestbuffers: count, type (capture), memory (mmap), 8 more bytes.
_REQUEST_BUFFERS = 0xC0145608
_PORTS = {"rtsp": 554, "rtsps": 322, "rtmp": 1935, "rtmps": 443}


def camera_cause(path: Path, name: str) -> str:
    """One line on why a video device cannot be used.

    Args:
        path: Such as ``/dev/video0``.
        name: What the user called it.
    """
    shown = str(path) if name == str(path) else f"{name} ({path})"
    try:
        device = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        try:
            fcntl.ioctl(device, _REQUEST_BUFFERS, bytearray(_buffers(1)))
            fcntl.ioctl(device, _REQUEST_BUFFERS, bytearray(_buffers(0)))
        finally:
            os.close(device)
    except OSError as error:
        group = _group(path)
        words = {
            errno.ENOENT: f"no camera at {path}; plug it in or give another --source",
            errno.EACCES: f"no permission to use camera {shown}; add your user to the group {group}: "
            f"sudo usermod -aG {group} $USER, and log in again",
            errno.EBUSY: f"camera {shown} is busy; another program uses it: `fuser {path}` says which",
            errno.ENOTTY: f"{shown} is no camera; `v4l2-ctl --list-devices` lists them",
        }
        kind = {errno.EPERM: errno.EACCES, errno.EINVAL: errno.ENOTTY}.get(error.errno or 0, error.errno)
        return words.get(
            kind or 0, f"cannot open camera {shown}: {error.strerror}; plug it in again or give another --source"
        )
    return f"camera {shown} delivers no picture that OpenCV can read; try another --size"


def network_cause(address: str, timeout_s: float) -> str:
    """Why nothing can be read from an address; asks it once more, for at most ``timeout_s``."""
    parts = urlsplit(address)
    scheme = parts.scheme.lower()
    known = parts.username is not None
    try:
        port = parts.port or _PORTS.get(scheme)
        if scheme in ("http", "https"):
            with fetch(address, timeout_s) as response:
                return f"it answers with {response.headers.get_content_type()}, not with a video that FFmpeg reads"
        if scheme in ("rtsp", "rtsps", "rtmp", "rtmps", "tcp") and parts.hostname and port:
            return _probe(scheme, parts.hostname, port, address, timeout_s, known=known)
    except (OSError, HTTPException, ValueError) as error:
        return _words(error, timeout_s, known=known)
    return f"no stream comes within {timeout_s:g} s; check the address"


def _probe(scheme: str, host: str, port: int, address: str, timeout_s: float, *, known: bool) -> str:
    with socket.create_connection((host, port), timeout_s) as connection:
        if scheme != "rtsp":
            return f"{host} listens on port {port}, but sends no stream; check the rest of the address"
        bare = re.sub(r"(?<=://)[^/]*@", "", address)
        connection.sendall(f"DESCRIBE {bare} RTSP/1.0\r\nCSeq: 1\r\nAccept: application/sdp\r\n\r\n".encode())
        status = re.match(rb"RTSP/1\.\d (\d+)", connection.recv(1024))
    return _status(int(status[1]), known=known) if status else f"{host} port {port} does not speak RTSP"


def _words(error: Exception, timeout_s: float, *, known: bool) -> str:
    if isinstance(error, HTTPError):
        return _other_login(error) or _status(error.code, known=known)
    reason = error.reason if isinstance(error, URLError) else error
    words: dict[type[Exception], str] = {
        ssl.SSLCertVerificationError: f"its certificate is not trusted ({getattr(reason, 'verify_message', '')})",
        socket.gaierror: "its host name is unknown; check the address and the network",
        ConnectionRefusedError: "the connection is refused; check the port, and that the camera is on",
        TimeoutError: f"no answer within {timeout_s:g} s; check the address and the network",
        ValueError: "the address is wrong; quote special characters in it, @ as %40",
    }
    found = next((text for kind, text in words.items() if isinstance(reason, kind)), None)
    return found or str(getattr(reason, "strerror", None) or reason)


def _other_login(error: HTTPError) -> str | None:
    """What to do where a login is wanted, and only in ways that are not known here."""
    offered = error.headers.get_all("WWW-Authenticate", []) if error.code == 401 else []
    if not offered or any(map(is_known_login, offered)):
        return None
    kinds = ", ".join(re.sub(r"(?s)[^\w-].*", "", kind) for kind in offered)
    return (
        f"it wants a login that is not known here (401, {kinds}); let the camera take basic, or digest with MD5, or "
        "give its rtsp:// address"
    )


def _status(code: int, *, known: bool) -> str:
    if code == 401:
        return "it refuses this user or password (401)" if known else "it wants a user and a password (401)"
    words = {403: "access is forbidden (403)", 404: "there is no such stream (404); check the path"}
    return words.get(code, f"it answers with the error {code}")


def _buffers(count: int) -> bytes:
    return b"".join(value.to_bytes(4, "little") for value in (count, 1, 1, 0, 0))


def _group(path: Path) -> str:
    try:
        return grp.getgrgid(path.stat().st_gid).gr_name
    except (OSError, KeyError):
        return "video"


__all__ = ["camera_cause", "network_cause"]
