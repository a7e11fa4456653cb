"""What Prometheus scrapes, and that the dashboard queries nothing else."""

import json
import re
import shutil
import subprocess
import time

import httpx
import pytest
from kiosk_stage import ROOT, Stage, room, running, until

from edge.kiosk.health import Facts, Health
from edge.kiosk.metrics import Metrics
from edge.kiosk.thermal import Thermal, ThermalWatch
from edge.kiosk.tokens import Gate
from edge.types import Box, Face, FrameResult, TrackEvent

TOKEN = "a-token-of-good-length"
DASHBOARD = ROOT / "deploy" / "grafana-dashboard.json"
PROMTOOL = shutil.which("promtool")
FACTS = Facts("stage", {"name": "emotion.tflite"}, {"name": "tflite", "version": "2"}, "on")


def result(time_s, *faces, new=0):
    """A frame with faces (emotion, sure)."""
    shown = tuple(Face(Box(0, 0, 9, 9), name, 0.9, sure, {name: 0.9}) for name, sure in faces)
    events = tuple(TrackEvent("new", number, time_s, "Happy", 0.9, 0.0) for number in range(new))
    return FrameResult("stage", 640, 480, shown, time_s=time_s, events=events)


def scraped(metrics, **health):
    text = metrics.render(Health(FACTS, health.pop("stream", None), **health), {}).decode()
    return dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))


def test_seconds_by_emotion_and_visits_add_up():
    metrics = Metrics()
    metrics.observe(result(10.0, ("Happy", True), new=2))
    metrics.observe(result(10.5, ("Happy", True), ("Sad", True)))
    metrics.observe(result(11.0, ("Happy", True), ("Sad", False), new=1))
    metrics.observe(result(60.0, ("Happy", True)))  # the camera was away: nothing is known of the time between
    metrics.observe(result(1.0, ("Happy", True)))  # a new run
    metrics.observe(result(1.25, ("Happy", True)))
    now = scraped(metrics)
    seconds = {name: float(now[f'emotion_edge_face_seconds_total{{emotion="{name}"}}']) for name in ("Happy", "Sad")}
    assert seconds == pytest.approx({"Happy": 1.25, "Sad": 0.5})
    assert float(now['emotion_edge_face_seconds_total{emotion="uncertain"}']) == pytest.approx(0.5)
    assert now['emotion_edge_face_seconds_total{emotion="Angry"}'] == "0.0", "a series is there from the start"
    assert now["emotion_edge_visits_total"] == "3.0"


def test_what_runs_and_the_process_are_exposed():
    now = scraped(Metrics())
    (build,) = (line for line in now if line.startswith("emotion_edge_build_info"))
    for words in ('model="emotion.tflite"', 'runtime="tflite 2"', "version=", "python="):
        assert words in build
    assert float(now["process_resident_memory_bytes"]) > 1e6
    assert float(now["process_start_time_seconds"]) > 1e9


def test_without_a_sensor_there_is_no_value():
    text = "\n".join(scraped(Metrics(camera=False)))
    for name in (
        "faces",
        "face_seconds",
        "visits",
        "fps",
        "frames",
        "frame_age",
        "viewers",
        "cpu_celsius",
        "throttled",
    ):
        assert f"emotion_edge_{name}" not in text
    assert "emotion_edge_healthy" in text
    with running(Stage(room(460)), timeout_s=0.5) as kiosk:
        until(lambda: kiosk.latest and kiosk.latest.faces)
        assert "\nemotion_edge_faces 1.0" in httpx.get(kiosk.url + "/metrics").text
        kiosk.stage.lose()
        until(lambda: kiosk.latest.state == "reconnecting")
        lost = httpx.get(kiosk.url + "/metrics").text
        assert "\nemotion_edge_faces" not in lost, "a lost camera sees no number of faces, not even none"
        assert "\nemotion_edge_frame_age_seconds" in lost


@pytest.fixture(scope="module")
def everything():
    """A kiosk that has every sensor, and whose every counter has counted."""
    watch = ThermalWatch(temperature=lambda: 50.5, throttled=lambda: ("throttled",))
    with running(Stage(room(460)), gate=Gate(TOKEN), thermal=watch) as kiosk:
        until(lambda: kiosk.latest and kiosk.latest.faces)
        until(lambda: kiosk.kiosk.health().fps)
        kiosk.kiosk.metrics.upload("ok")
        yield kiosk


def names(kiosk):
    text = httpx.get(kiosk.url + "/metrics", headers={"authorization": f"Bearer {TOKEN}"}).text
    return {re.match(r"\w+", line)[0] for line in text.splitlines() if not line.startswith("#")}


def queries():
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]


def test_every_panel_asks_for_metrics_that_exist(everything):
    known = names(everything) | {"up"}  # Prometheus' own
    found = 0
    for title, query in queries():
        queried = set(re.findall(r"\b(?:emotion_edge_\w+|process_\w+|up)\b", query))
        assert queried, title
        assert queried <= known, f"{title}: {queried - known}"
        found += 1
    assert found >= 8


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (Debian: prometheus)")
def test_every_query_is_right(tmp_path):
    rules = {"groups": [{"name": "dashboard", "rules": []}]}
    for number, (_, query) in enumerate(queries()):
        plain = query.replace("$__rate_interval", "5m").replace("$__range", "1d").replace("$kiosk", "a")
        rules["groups"][0]["rules"].append({"record": f"panel_{number}", "expr": plain})
    (tmp_path / "rules.yml").write_text(json.dumps(rules))  # JSON is YAML
    done = subprocess.run([PROMTOOL, "check", "rules", tmp_path / "rules.yml"], capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_heat_is_exposed_where_it_is_measured():
    now = scraped(Metrics(), thermal=Thermal(50.5, ("throttled",)), now_s=time.monotonic())
    assert now["emotion_edge_cpu_celsius"] == "50.5"
    assert now['emotion_edge_throttled{reason="throttled"}'] == "1.0"
