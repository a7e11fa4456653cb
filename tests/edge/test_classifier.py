"""The classifier reads everything from the model file, and refuses with a reason what does not conform."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from edge.classifier import Classifier, default_model_path
from edge.errors import ModelError
from edge.labels import EMOTIONS
from edge.preprocess import InputSpec, to_gray

CROPS = list(np.random.default_rng(5).integers(0, 256, (6, 40, 40, 3), np.uint8))


def test_shipped_model_conforms() -> None:
    classifier = Classifier()
    assert classifier.path == default_model_path()
    assert classifier.labels == EMOTIONS
    assert classifier.input_spec.channels in (1, 3)
    answers = classifier.classify(CROPS)
    assert answers.shape == (6, 5)
    assert answers.dtype == np.float32
    assert np.allclose(answers.sum(axis=1), 1, atol=1e-5)


def test_reads_form_labels_and_settings(make_model: Any) -> None:
    labels = EMOTIONS[::-1]
    settings = {"crop_margin": 0.1, "brighten": True, "threshold": 0.5, "model_version": "9"}
    model = Classifier(make_model("grey", labels, settings))
    assert model.labels == labels
    assert model.input_spec == InputSpec(24, 24, channels=1, margin=0.1, brighten=True)
    assert model.threshold == 0.5
    assert model.metadata.settings["model_version"] == "9"


def test_labels_of_any_standard_metadata_are_read(make_model: Any) -> None:
    model = Classifier(make_model(labels_file="probability-labels-en.txt"))
    assert model.labels == EMOTIONS
    assert model.input_spec == InputSpec(24, 24)
    assert model.threshold == 0.35


def test_every_input_and_output_type_means_the_same(make_model: Any) -> None:
    crops = [np.full((24, 24, 3), color, np.uint8) for color in ((0, 0, 0), (255, 0, 0), (0, 255, 90), (90, 90, 255))]
    exact = Classifier(make_model("float32")).classify(crops)
    assert exact.std(axis=0).max() > 0.1, "the tiny model must tell something apart"
    for form in ("uint8", "int8"):
        assert np.abs(Classifier(make_model(form)).classify(crops) - exact).max() < 0.05, form


def test_uint8_bytes_go_in_as_they_are(make_model: Any) -> None:
    classifier = Classifier(make_model("uint8"))
    crop = np.random.default_rng(1).integers(0, 256, (24, 24, 3), np.uint8)
    answer = classifier.classify([crop])
    details = classifier.runtime.interpreter
    index = details.get_input_details()[0]["index"]
    assert np.array_equal(details.get_tensor(index)[0], crop)
    raw = details.get_tensor(details.get_output_details()[0]["index"])[0]
    assert np.allclose(answer[0], raw / raw.sum())


def test_float_input_is_scaled_to_one(make_model: Any) -> None:
    classifier = Classifier(make_model("float32"))
    crop = np.full((24, 24, 3), 51, np.uint8)
    classifier.classify([crop])
    interpreter = classifier.runtime.interpreter
    fed = interpreter.get_tensor(interpreter.get_input_details()[0]["index"])
    assert fed.dtype == np.float32
    assert np.allclose(fed, 0.2)


def test_grey_model_sees_grey(make_model: Any) -> None:
    classifier = Classifier(make_model("grey"))
    crop = np.random.default_rng(1).integers(0, 256, (24, 24, 3), np.uint8)
    same = np.repeat(to_gray(crop)[:, :, None], 3, axis=2)
    assert np.array_equal(classifier.classify([crop]), classifier.classify([same]))


def test_no_crops_give_no_rows(make_model: Any) -> None:
    assert Classifier(make_model()).classify([]).shape == (0, 5)


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ("seven", r"output has shape \(1, 7\); wanted \(1, 5\), one value a label"),
        ("four_channels", r"input has shape \(1, 24, 24, 4\); wanted \(1, height, width, 3\)"),
        ("batch_2", r"input has shape \(2, 24, 24, 3\); wanted \(1, "),
        ("flat", r"input has shape \(1, 30\); wanted"),
        ("two_outputs", "has 2 outputs; wanted one"),
        ("logits", "outputs are not probabilities.*wanted a softmax"),
        ("sum_0.8", r"outputs are not probabilities \(sum 0\.8\)"),
        ("sum_1.2", r"outputs are not probabilities \(sum 1\.2\)"),
    ],
)
def test_other_forms_are_refused(make_model: Any, form: str, message: str) -> None:
    path = make_model(form)
    with pytest.raises(ModelError, match=message) as caught:
        Classifier(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (None, "carries no labels: it is cut off, or was written without metadata"),
        ((), "carries no labels"),
        (("cat", "dog", "a", "b", "c"), "has the labels cat, dog, a, b, c; wanted Angry, Happy"),
        (EMOTIONS[:4], "wanted Angry, Happy, Neutral, Sad, Surprise"),
        ((*EMOTIONS, "Happy"), "wanted Angry"),
    ],
)
def test_other_labels_are_refused(make_model: Any, labels: tuple[str, ...] | None, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        Classifier(make_model(labels=labels))


@pytest.mark.parametrize(
    "settings",
    [
        "{",
        "[]",
        '{"crop_margin": 7}',
        '{"threshold": "high"}',
        '{"crop_margin": null}',
        '{"brighten": 1}',
        '{"threshold": NaN}',
    ],
)
def test_damaged_settings_are_refused(make_model: Any, settings: str) -> None:
    with pytest.raises(ModelError, match="metadata is damaged"):
        Classifier(make_model(settings=settings))


def test_missing_empty_and_foreign_files(tmp_path: Path, photo: Path) -> None:
    with pytest.raises(ModelError, match=r"cannot be read: No such file.*--model"):
        Classifier(tmp_path / "absent.tflite")
    with pytest.raises(ModelError, match="cannot be read: Is a directory"):
        Classifier(tmp_path)
    (tmp_path / "empty.tflite").touch()
    with pytest.raises(ModelError, match=r"not a TensorFlow Lite model \(0 bytes"):
        Classifier(tmp_path / "empty.tflite")
    with pytest.raises(ModelError, match="not a TensorFlow Lite model"):
        Classifier(photo)


def test_truncated_at_any_place_is_refused(tmp_path: Path) -> None:
    content = default_model_path().read_bytes()
    path = tmp_path / "cut.tflite"
    for end in [*range(0, len(content), len(content) // 50), len(content) - 1]:
        path.write_bytes(content[:end])
        with pytest.raises(ModelError):
            Classifier(path)


def test_model_may_vanish_once_loaded(make_model: Any) -> None:
    path = make_model()
    classifier = Classifier(path)
    path.write_bytes(b"")
    assert classifier.classify(CROPS).shape == (6, 5)


class Scripted:
    """An interpreter that answers what a test wants, for forms of models that no converter would write."""

    def __init__(
        self,
        answer: Any,
        shape: tuple[int, ...] = (1, 24, 24, 3),
        dtype: Any = np.float32,
        scale: float = 0.0,
        unit: tuple[float, int] = (0.0, 0),
    ) -> None:
        self.answer, self.given, self._unit = np.asarray([answer]), np.empty(0), unit
        self._input = {"index": 3, "shape": shape, "dtype": dtype, "quantization": (scale, 0)}

    def get_input_details(self) -> list[dict[str, Any]]:
        return [self._input]

    def get_output_details(self) -> list[dict[str, Any]]:
        return [{"index": 7, "shape": (1, 5), "dtype": self.answer.dtype.type, "quantization": self._unit}]

    def set_tensor(self, index: int, data: Any) -> None:
        assert index == 3
        self.given = data

    def invoke(self) -> None: ...

    def get_tensor(self, index: int) -> Any:
        assert index == 7
        return self.answer


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Any:
    def make(*words: Any, **options: Any) -> tuple[Classifier, Scripted]:
        interpreter = Scripted(*words, **options)
        monkeypatch.setattr("edge.classifier.load", lambda *_: SimpleNamespace(interpreter=interpreter))
        return Classifier(path=default_model_path()), interpreter

    return make


SURE = np.array([0.2, 0.5, 0.1, 0.1, 0.1], np.float32)


def test_a_rounding_error_below_zero_is_no_probability(scripted: Any) -> None:
    classifier, _ = scripted(np.array([-0.005, 0.405, 0.2, 0.2, 0.2], np.float32))
    assert classifier.classify(CROPS[:1])[0][0] == 0
    classifier, _ = scripted(np.array([-101, -19, -60, -60, -60], np.int8), unit=(1 / 200, -100))
    assert classifier.classify(CROPS[:1])[0][0] == 0
    with pytest.raises(ModelError, match="not probabilities"):
        scripted(np.array([-0.02, 0.42, 0.2, 0.2, 0.2], np.float32))


def test_the_smallest_input(scripted: Any) -> None:
    spec = scripted(SURE, (1, 8, 8, 3))[0].input_spec
    assert (spec.height, spec.width) == (8, 8)
    for shape in ((1, 7, 8, 3), (1, 8, 7, 3)):
        with pytest.raises(ModelError, match="input has shape"):
            scripted(SURE, shape)


def test_types_that_are_not_known_are_refused_on_either_side(scripted: Any) -> None:
    with pytest.raises(ModelError, match="input is float16, output float32; wanted uint8"):
        scripted(SURE, dtype=np.float16)
    with pytest.raises(ModelError, match="input is float32, output float64; wanted uint8"):
        scripted(SURE.astype(np.float64))


def test_bytes_that_mean_what_a_picture_means_are_not_copied(scripted: Any) -> None:
    face = np.zeros((24, 24, 3), np.uint8)
    for scale, copied in ((1 / 255, False), (1 / 127, True)):
        classifier, interpreter = scripted(SURE, dtype=np.uint8, scale=scale)
        classifier.predict([face])
        assert np.shares_memory(interpreter.given, face) is not copied
    scripted(SURE)[0].predict([face])
