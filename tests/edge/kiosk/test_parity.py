"""One way to read a face: the same frame and box give the same probabilities, whatever way they came in."""

from __future__ import annotations

import json
from itertools import islice

import cv2
import httpx
import numpy as np
import pytest
from kiosk_stage import Stage, room, running, until

from edge import Pipeline
from edge.classifier import Classifier
from edge.stream import Stream
from edge.types import Box, Detection


class FixedDetector:
    """Finds what it was made with."""

    def __init__(self, box):
        self.box = box

    def detect(self, gray):
        return [Detection(self.box)]


@pytest.fixture(params=["mean_color", "shipped"])
def model(request, make_model):
    """One whose output is the mean colour of what it was fed, with margin and brightening; and the one that ships."""
    if request.param == "shipped":
        return None
    return make_model("mean_color", settings={"crop_margin": 0.3, "brighten": True, "threshold": 0.35})


def test_pictures_stream_upload_and_live_view_read_a_face_alike(model):
    picture = room(460, light=0.35)

    def analyzed(box):
        (face,) = Pipeline(model, FixedDetector(Box(*box))).analyze(picture).faces
        return face.to_dict()["probabilities"]

    stream = Stream(Stage(picture), "auto", Classifier(model))
    results = stream.results()
    streamed = next(result for result in islice(results, 100) if result.faces and (result.frame or 0) > 5).to_dict()[
        "faces"
    ][0]
    results.close()

    _, png = cv2.imencode(".png", np.ascontiguousarray(picture[:, :, ::-1]))
    with (
        running(Stage(picture), model=model and str(model)) as kiosk,
        httpx.Client(base_url=kiosk.url, timeout=20) as client,
    ):
        until(lambda: kiosk.latest and kiosk.latest.faces)
        live = client.get("/api/latest").json()["faces"][0]
        reply = client.post("/api/predict", content=png.tobytes(), headers={"content-type": "image/png"})
        (uploaded,) = reply.json()["faces"]

    for name, box, probabilities in (
        ("stream", streamed["box"], streamed["raw"]),
        ("live view", live["box"], live["raw"]),
        ("upload", uploaded["box"], uploaded["probabilities"]),
    ):
        assert probabilities == pytest.approx(analyzed(box), abs=1.5e-4), name
        # Another box of the same picture gives something else, so that equality means something.
        moved = [box[0] + box[2] // 2, box[1], box[2] // 2, box[3] // 2]
        assert probabilities != pytest.approx(analyzed(moved), abs=1.5e-3), name


@pytest.mark.parametrize("threshold", [0.2, 0.9])
def test_the_models_own_threshold_counts_everywhere(make_model, threshold, cli, tmp_path):
    model = make_model("mean_color", settings={"threshold": threshold})
    picture = room(460)
    _, png = cv2.imencode(".png", np.ascontiguousarray(picture[:, :, ::-1]))
    path = tmp_path / "face.png"
    path.write_bytes(png.tobytes())
    (predicted,) = json.loads(cli("predict", path, "--format", "json", "--model", model).stdout)["faces"]
    assert 0.2 < predicted["confidence"] < 0.9
    with running(Stage(picture), model=str(model)) as kiosk, httpx.Client(base_url=kiosk.url, timeout=20) as client:
        assert client.get("/api/about").json()["threshold"] == threshold
        until(lambda: kiosk.latest and kiosk.latest.faces)
        live = client.get("/api/latest").json()["faces"][0]
        reply = client.post("/api/predict", content=png.tobytes(), headers={"content-type": "image/png"})
        (uploaded,) = reply.json()["faces"]
    assert [face["confident"] for face in (predicted, live, uploaded)] == [threshold == 0.2] * 3
