"""Three kiosks, one broker and one Prometheus, from the files of deploy/fleet; one dies, and the fleet says so."""

import os
import re
import shutil
import signal
import subprocess
import sys

import httpx
import pytest
from broker import MOSQUITTO, PASSWD, Broker, Listener, free_port
from kiosk_stage import ROOT, until

FLEET = ROOT / "deploy" / "fleet"
NAMES = ("hall", "door", "cafe")
TOKEN = "a-token-of-good-length"
PROMETHEUS, PROMTOOL = shutil.which("prometheus"), shutil.which("promtool")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        None in (MOSQUITTO, PASSWD, PROMETHEUS, PROMTOOL), reason="not installed (Debian: mosquitto prometheus)"
    ),
]


@pytest.fixture
def broker(tmp_path, certificates):
    """The example's broker, on a port of this machine."""
    for name in ("owner", *NAMES):
        new = [] if (tmp_path / "passwords").exists() else ["-c"]
        subprocess.run(
            [PASSWD, *new, "-b", tmp_path / "passwords", name, f"{name}-pw"], check=True, capture_output=True
        )
    port = free_port()
    text = (FLEET / "mosquitto.conf").read_text().replace("listener 8883", f"listener {port} 127.0.0.1")
    for old, new in (
        ("/etc/mosquitto/certs/broker.pem", certificates / "server.pem"),
        ("/etc/mosquitto/certs/broker.key", certificates / "server.key"),
        ("/etc/mosquitto/passwords", tmp_path / "passwords"),
        ("/etc/mosquitto/acl", FLEET / "acl"),
    ):
        assert old in text
        text = text.replace(old, str(new))
    broker = Broker(tmp_path, text=text + "user root\n", port=port)
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def kiosks(tmp_path, certificates, broker, environment):
    """Three kiosks of the example's settings: name to process and port."""
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "token").chmod(0o600)
    text = (FLEET / "kiosk.toml").read_text().replace("/etc/emotion-edge/ca.pem", str(certificates / "ca.pem"))
    running = {}
    for name in NAMES:
        (tmp_path / name).mkdir()
        own = text.replace("/var/lib/emotion-edge", str(tmp_path / name)).replace("picamera", "synthetic:1")
        (tmp_path / name / "kiosk.toml").write_text(own)
        port = free_port()
        words = ["kiosk", "--config", tmp_path / name / "kiosk.toml", "--port", str(port)]
        process = subprocess.Popen(
            [sys.executable, "-m", "edge", *words, "--token-file", tmp_path / "token"],
            env=environment
            | {
                "EMOTION_EDGE_KIOSK_MQTT": f"mqtts://{name}:{name}-pw@127.0.0.1:{broker.port}",
                "EMOTION_EDGE_KIOSK_MQTT_NAME": name,
            },
            stderr=subprocess.DEVNULL,
        )
        running[name] = process, port
    yield running
    for process, _ in running.values():
        process.kill()
        process.wait(20)


@pytest.fixture
def prometheus_query(tmp_path, kiosks):
    """Ask the example's Prometheus, which looks twice a second and waits for no minute."""
    (tmp_path / "prometheus.token").write_text(TOKEN + "\n")
    targets = ", ".join(f'"127.0.0.1:{port}"' for _, port in kiosks.values())
    text = (FLEET / "prometheus.yml").read_text().replace("15s", "500ms")
    text = text.replace("/etc/prometheus/emotion-edge.token", str(tmp_path / "prometheus.token"))
    (tmp_path / "prometheus.yml").write_text(re.sub(r'"hall.local.*"', targets, text))
    (tmp_path / "alerts.yml").write_text(re.sub(r"for: \d+m", "for: 0s", (FLEET / "alerts.yml").read_text()))
    done = subprocess.run([PROMTOOL, "check", "config", tmp_path / "prometheus.yml"], capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    address = f"127.0.0.1:{free_port()}"
    command = [PROMETHEUS, f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/data"]
    process = subprocess.Popen([*command, f"--web.listen-address={address}"], stderr=subprocess.DEVNULL)

    def ask(query):
        try:
            reply = httpx.get(f"http://{address}/api/v1/query", params={"query": query}).json()
        except httpx.TransportError:
            return {}
        return {one["metric"].get("instance"): one["value"][1] for one in reply["data"]["result"]}

    yield ask
    process.terminate()
    process.wait(20)


def listen(broker, certificates, name):
    return Listener(broker.port, (name, f"{name}-pw"), certificates / "ca.pem")


def test_one_kiosk_dies_and_the_fleet_says_so(kiosks, broker, certificates, prometheus_query):
    owner = listen(broker, certificates, "owner")
    places = {name: f"127.0.0.1:{port}" for name, (_, port) in kiosks.items()}
    announced = owner.all_of("homeassistant/device/", 3)
    assert {one["device"]["name"] for one in announced.values()} == set(NAMES)
    until(lambda: prometheus_query("emotion_edge_visits_total > 0").keys() == set(places.values()), 120)
    assert prometheus_query('ALERTS{alertname="KioskGone"}') == {}
    process, _ = kiosks["door"]
    os.kill(process.pid, signal.SIGKILL)
    owner.wait_for("door/availability", lambda word: word == "offline")
    gone = 'ALERTS{alertname="KioskGone",alertstate="firing"}'
    assert until(lambda: prometheus_query(gone), 60) == {places["door"]: "1"}
    assert prometheus_query("sum(up)") == {None: "2"}
    assert prometheus_query("up")[places["hall"]] == prometheus_query("up")[places["cafe"]] == "1"
    late = listen(broker, certificates, "owner")
    assert late.wait_for("hall/availability") == "online"
    for one in (owner, late):
        one.close()


def test_a_kiosk_speaks_for_itself_alone_and_reads_nothing(broker, certificates):
    owner, thief = (listen(broker, certificates, name) for name in ("owner", "door"))
    for topic in ("hall/availability", "homeassistant/sensor/x/config", "door/state"):
        thief._client.publish(topic, topic, qos=1).wait_for_publish(10)
    assert owner.messages.get(timeout=30)[0] == "door/state", "what came first is the only thing that was let through"
    assert thief.messages.empty()
    for one in (owner, thief):
        one.close()


def test_every_alert_asks_for_what_exists():
    known = {"up", "emotion_edge_healthy", "emotion_edge_cpu_celsius", "emotion_edge_throttled"}
    text = (FLEET / "alerts.yml").read_text()
    assert set(re.findall(r"\b(?:emotion_edge_\w+|up)\b", " ".join(re.findall("expr: (.*)", text)))) == known
