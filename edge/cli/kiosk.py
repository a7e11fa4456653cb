"""``emotion-edge kiosk``: serve the live view and the upload page."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

import click

from edge.cli._quick import keep_tidy
from edge.cli.options import takes
from edge.cli.outputs import check_outputs, refuse_media
from edge.errors import ConfigError
from edge.heap import stay_small
from edge.kiosk.settings import KIOSK, KioskSettings
from edge.settings import Loaded

if TYPE_CHECKING:
    from edge.kiosk.tokens import Gate


@click.command("kiosk")
@takes(KIOSK)
def command(loaded: Loaded[KioskSettings]) -> None:
    """Serve the live view and the upload page.

    Each option can also be set in the configuration file, or as EMOTION_EDGE_KIOSK_NAME in the environment; see
    `emotion-edge config show`.
    """
    stay_small()
    config = loaded.settings
    refuse_media("--event-log", config.event_log)
    certificates = (config.mqtt_ca, config.mqtt_cert, config.mqtt_key)
    check_outputs(
        {"--event-log": config.event_log, "--token-file": config.token_file},
        [config.source, config.model, config.detector_model, *certificates, loaded.path],
    )
    _need_the_extra()
    from edge.kiosk.service import Kiosk
    from edge.kiosk.sources import choose_source

    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s", stream=sys.stderr)
    gate, new_token = _gate(config)
    kiosk = Kiosk(config, choose_source(config), gate=gate)
    keep_tidy()
    kiosk.run(lambda: _say_where(config, kiosk.port, kiosk.facts.source, new_token))


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


def _gate(config: KioskSettings) -> tuple[Gate | None, str]:
    """The gate of an address that others can reach; a new token, which is said once."""
    if config.loopback and not config.trusted_proxy:
        return None, ""
    if not config.auth:
        click.echo("warning: anyone who reaches this address sees the camera (--no-auth)", err=True)
        return None, ""
    from edge.kiosk.tokens import Gate, default_path, load_or_create

    path = config.token_file or default_path()
    token, new = load_or_create(path)
    if new:
        click.echo(f"token: {token}  (said this once; kept in {path})", err=True)
    else:
        click.echo(f"the token is in {path}", err=True)
    return Gate(token), token if new else ""


def _say_where(config: KioskSettings, port: int, source: str, new_token: str = "") -> None:
    """Address and source; where phones reach it, its address as a QR code too, with a token that is new."""
    from edge.kiosk.phone import phone_address, qr_missing, qr_text

    what = "upload page" if source == "none" else f"source: {source}, video: {config.video}"
    click.echo(f"emotion-edge kiosk: {config.address(port)}  ({what}; stop with Ctrl-C)", err=True)
    address = phone_address(config, port)
    if address:
        click.echo(qr_missing() or f"{qr_text(address, new_token)}\n{address}", err=True)


__all__ = ["command"]
