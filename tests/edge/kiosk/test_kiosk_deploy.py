"""What `make install-kiosk` puts on a device."""

import contextlib
import getpass
import os
import re
import shutil
import subprocess
import sys

import httpx
import pytest
from broker import free_port
from kiosk_stage import ROOT, until

from edge.cli.kiosk import _say_where
from edge.kiosk.settings import KIOSK, KioskSettings

DEPLOY = ROOT / "deploy"
UNIT = DEPLOY / "emotion-edge-kiosk.service"
HAS_SYSTEMD = shutil.which("systemd-analyze") is not None


@pytest.fixture
def unit(tmp_path):
    """The unit, calling a program that is there."""
    path = tmp_path / UNIT.name
    path.write_text(UNIT.read_text().replace("/opt/emotion-edge/bin/emotion-edge", "/bin/true"))
    return path


@pytest.mark.skipif(not HAS_SYSTEMD, reason="systemd-analyze is not installed")
def test_systemd_finds_no_fault_in_the_unit(unit):
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not HAS_SYSTEMD, reason="systemd-analyze is not installed")
def test_the_unit_is_exposed_little(unit):
    command = ["systemd-analyze", "security", "--offline=yes", "--no-pager", unit]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert float(re.search(r"exposure level for .*: ([\d.]+)", done.stdout)[1]) < 3


def test_the_unit_waits_for_the_service_and_watches_it():
    text = UNIT.read_text()
    for line in ("Type=notify", "WatchdogSec=60", "User=emotion-edge", "SupplementaryGroups=video", "Restart=always"):
        assert line in text.splitlines()


def test_the_settings_that_are_installed_are_right():
    config = KIOSK.load(path=DEPLOY / "kiosk.toml", environ={}).settings
    assert config.source == "picamera"
    assert config.loopback


def test_commented_settings_are_right_too(tmp_path):
    path = tmp_path / "kiosk.toml"
    path.write_text(re.sub(r"^# (\w+ = )", r"\1", (DEPLOY / "kiosk.toml").read_text(), flags=re.M))
    assert KIOSK.load(path=path, environ={}).settings.event_log


def staged(folder, action):
    """Run the installer below a folder; what is there afterwards, by path."""
    environ = os.environ | {"DESTDIR": str(folder), "SCREEN_USER": getpass.getuser()}
    done = subprocess.run(
        ["sh", DEPLOY / "install-kiosk.sh", action], env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_a_screen_user_that_is_not_there_is_an_error_before_anything_is_done(tmp_path):
    environ = os.environ | {"DESTDIR": str(tmp_path), "SCREEN_USER": "no-such-user"}
    done = subprocess.run(
        ["sh", DEPLOY / "install-kiosk.sh", "install"], env=environ, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (1, "error: there is no user no-such-user; set SCREEN_USER\n")
    assert not list(tmp_path.iterdir())


def test_installing_twice_is_installing_once(tmp_path):
    first = staged(tmp_path, "install")
    assert first == staged(tmp_path, "install")
    assert {path.rpartition("/")[2] for path in first} == {
        "kiosk-screen",
        "kiosk.toml",
        "emotion-edge-kiosk.service",
        "autostart",
        "emotion-edge.json",
    }
    autostart = next(text for path, text in first.items() if path.endswith("labwc/autostart"))
    assert autostart == "/opt/emotion-edge/bin/kiosk-screen & # emotion-edge kiosk\n"


def test_what_was_there_stays(tmp_path):
    paths = staged(tmp_path, "install")
    autostart = tmp_path / next(path for path in paths if path.endswith("labwc/autostart"))
    settings = tmp_path / "etc/emotion-edge/kiosk.toml"
    autostart.write_text("swaybg &\n" + autostart.read_text())
    settings.write_text('source = "0"\n')
    staged(tmp_path, "install")
    assert settings.read_text() == 'source = "0"\n'
    assert autostart.read_text().startswith("swaybg &\n")
    left = staged(tmp_path, "uninstall")
    assert autostart.read_text() == "swaybg &\n"
    assert {path.rpartition("/")[2] for path in left} == {"autostart", "kiosk.toml"}
    assert set(staged(tmp_path, "purge")) == {str(autostart.relative_to(tmp_path))}


def program(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.fixture
def screen(tmp_path):
    """Run kiosk-screen with a host and a port until its browser starts; what the browser was told."""

    def run(host, *words, port=8000):
        programs = tmp_path / "bin"
        program(programs / "emotion-edge", f"echo 'port = {port}        # file'; echo 'host = \"{host}\"   # file'")
        program(programs / "curl", f'echo "$@" >>{tmp_path}/asked')
        program(programs / "chromium", f'echo "$@" >{tmp_path}/told; kill $PPID')
        environ = {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "HOME": str(tmp_path),
            "EMOTION_EDGE": str(programs / "emotion-edge"),
        }
        done = subprocess.run(
            ["sh", DEPLOY / "kiosk-screen.sh", *words],
            env=environ,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        if words:
            return done.stdout.strip()
        assert (tmp_path / "asked").read_text().split()[-1].endswith("/healthz"), done.stderr
        return (tmp_path / "told").read_text().split()[-1]

    return run


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://localhost:8000"),
        ("0.0.0.0", "http://localhost:8000"),
        ("::", "http://localhost:8000"),
        ("192.168.1.5", "http://192.168.1.5:8000"),
        ("127.0.0.2", "http://127.0.0.2:8000"),
        ("kiosk.lan", "http://kiosk.lan:8000"),
        ("fd00::5", "http://[fd00::5]:8000"),
    ],
)
def test_the_screen_opens_the_kiosk_where_it_listens(screen, host, address):
    assert screen(host, "address") == address
    assert screen(host) == f"{address}/?screen=1"


@pytest.mark.parametrize("holder", ["other-host-{pid}", "{host}-999999", "{host}-{pid}"])
def test_locks_that_a_power_cut_left_are_removed(screen, tmp_path, holder):
    profile = tmp_path / ".config/emotion-edge/chromium"
    profile.mkdir(parents=True)
    (profile / "SingletonLock").symlink_to(holder.format(host=os.uname().nodename, pid=os.getpid()))
    (profile / "SingletonCookie").symlink_to("123")
    screen("127.0.0.1")
    assert not any(path.is_symlink() for path in profile.iterdir())


def test_the_lock_of_a_browser_that_runs_stays(screen, tmp_path):
    profile = tmp_path / ".config/emotion-edge/chromium"
    profile.mkdir(parents=True)
    browser = tmp_path / "chrom-sleep"
    browser.symlink_to(shutil.which("sleep"))
    process = subprocess.Popen([browser, "60"])
    (profile / "SingletonLock").symlink_to(f"{os.uname().nodename}-{process.pid}")
    try:
        screen("127.0.0.1")
        assert (profile / "SingletonLock").is_symlink()
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("127.0.0.1", "http://localhost:80/"),
        ("127.0.0.2", "http://127.0.0.2:80/"),
        ("192.168.1.5", "http://192.168.1.5:80/"),
        ("fd00::5", "http://[fd00::5]:80/"),
    ],
)
def test_the_command_prints_where_it_listens(capsys, host, shown):
    _say_where(KioskSettings(host=host), 80, "none")
    assert shown in capsys.readouterr().err


@pytest.mark.parametrize("script", ["install-kiosk.sh", "kiosk-screen.sh"])
def test_scripts_are_plain_shell(script):
    assert subprocess.run(["sh", "-n", DEPLOY / script], check=False).returncode == 0
    if shutil.which("shellcheck"):
        done = subprocess.run(["shellcheck", DEPLOY / script], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def test_the_platforms_command_starts_the_upload_page(tmp_path, environment):
    kind, _, command = (DEPLOY / "Procfile").read_text().strip().partition(": ")
    assert kind == "web"
    program(tmp_path / "emotion-edge", f'exec {sys.executable} -m edge "$@"')
    port = free_port()
    environ = environment | {"PATH": f"{tmp_path}:{os.environ['PATH']}", "PORT": str(port)}
    process = subprocess.Popen(["sh", "-c", f"exec {command}"], env=environ, stderr=subprocess.DEVNULL)

    def answer():
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"http://127.0.0.1:{port}/", headers={"host": "any.example"}).text
        return None

    try:
        assert "api/predict" in until(answer, 60)
    finally:
        process.terminate()
        process.wait(20)


RUN = {  # every file of deploy/, and what runs it
    "Caddyfile": "test_kiosk_proxy.py",
    "Containerfile": "tests/packages/test_container.py",
    **dict.fromkeys(("build.py", "control", "postinst", "postrm", "prerm"), "tests/packages/test_deb.py"),
    "Procfile": "test_the_platforms_command_starts_the_upload_page",
    "chromium-policy.json": "test_kiosk_screen.py",
    "emotion-edge-kiosk.service": "test_systemd_finds_no_fault_in_the_unit",
    "grafana-dashboard.json": "test_kiosk_metrics.py",
    "install-kiosk.sh": "test_installing_twice_is_installing_once",
    "kiosk-screen.sh": "test_the_screen_opens_the_kiosk_where_it_listens",
    "kiosk.toml": "test_the_settings_that_are_installed_are_right, test_fleet.py",
    "nginx.conf": "test_kiosk_proxy.py",
    **dict.fromkeys(("acl", "alerts.yml", "mosquitto.conf", "prometheus.yml"), "test_fleet.py"),
}


def test_every_file_is_run_by_a_test():
    assert {path.name for path in DEPLOY.rglob("*") if path.is_file() and path.suffix != ".pyc"} == set(RUN)
