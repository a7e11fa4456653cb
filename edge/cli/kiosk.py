"""``emotion-edge kiosk``: serve the live view and the upload page."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from edge.cli._quick import keep_tidy
from edge.cli.outputs import check_outputs, refuse_media
from edge.errors import ConfigError
from edge.kiosk.config import DEFAULT_PATH, KioskConfig, kind_of, load

if TYPE_CHECKING:
    from edge.kiosk.tokens import Gate

F = TypeVar("F", bound=Callable[..., Any])


def setting_options(function: F) -> F:
    """One option for each setting; what is not given stays None, so that environment and file come through."""
    for setting in reversed(fields(KioskConfig)):
        words, default = "--" + setting.name.replace("_", "-"), setting.default
        kind: Any = kind_of(setting)
        if isinstance(default, str) and "choices" in setting.metadata:
            kind = click.Choice(setting.metadata["choices"])
        shown = ", ".join(default) if isinstance(default, tuple) else default
        text = setting.metadata["help"] + (f"  [default: {shown}]" if shown not in ("", True, None) else "")
        rules: dict[str, Any] = {"default": None, "help": text, "allow_from_autoenv": False}
        if isinstance(default, bool):
            option = click.option(f"{words}/--no-{words[2:]}", setting.name, **rules)
        elif isinstance(default, tuple):
            option = click.option(words, setting.name, multiple=True, **rules)
        else:
            option = click.option(words, setting.name, type=kind, **rules)
        function = option(function)
    return click.option(
        "--config",
        "path",
        type=click.Path(path_type=Path),
        allow_from_autoenv=False,
        help=f"Configuration file.  [default: {DEFAULT_PATH} if it is there]",
    )(function)


@click.command("kiosk")
@setting_options
def command(path: Path | None, **given: Any) -> None:
    """Serve the live view and the upload page.

    Each option can also be set in the configuration file, or as EMOTION_EDGE_KIOSK_NAME in the environment; see
    `emotion-edge config show`.
    """
    loaded = load(given, path=path)
    config = loaded.config
    refuse_media("--event-log", config.event_log)
    check_outputs(
        {"--event-log": config.event_log, "--token-file": config.token_file},
        [config.source, config.model, config.detector_model, loaded.path],
    )
    _need_the_extra()
    from edge.kiosk.service import Kiosk
    from edge.kiosk.sources import choose_source

    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s", stream=sys.stderr)
    gate = _gate(config)
    kiosk = Kiosk(config, choose_source(config), gate=gate)
    keep_tidy()
    kiosk.run(lambda: _say_where(config, kiosk.port, kiosk.facts.source))


def _need_the_extra() -> None:
    try:
        import prometheus_client  # noqa: F401
        import python_multipart  # noqa: F401
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            f"the kiosk needs {error.name}; install it with: pip install 'emotion-edge[kiosk]'"
        ) from error


def _gate(config: KioskConfig) -> Gate | None:
    """The gate of an address that others can reach; a new token is said once."""
    if config.loopback:
        return None
    if not config.auth:
        click.echo("warning: anyone who reaches this address sees the camera (--no-auth)", err=True)
        return None
    from edge.kiosk.tokens import Gate, default_path, load_or_create

    path = Path(config.token_file) if config.token_file else default_path()
    token, new = load_or_create(path)
    if new:
        click.echo(f"token: {token}  (said this once; kept in {path})", err=True)
    else:
        click.echo(f"the token is in {path}", err=True)
    return Gate(token)


def _say_where(config: KioskConfig, port: int, source: str) -> None:
    import socket

    name = config.host
    if config.host in ("127.0.0.1", "::1"):
        name = "localhost"
    elif config.host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        name = f"{socket.gethostname().partition('.')[0]}.local"
    shown = f"[{name}]" if ":" in name else name
    what = "upload page" if source == "none" else f"source: {source}, video: {config.video}"
    click.echo(f"emotion-edge kiosk: http://{shown}:{port}/  ({what}; stop with Ctrl-C)", err=True)


__all__ = ["command", "setting_options"]
