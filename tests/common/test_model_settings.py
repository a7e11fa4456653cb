"""What a file says of its model: given, or standing beside it, or by default."""

import pytest

from common.model_settings import Settings, settings_of
from edge.errors import ConfigError


@pytest.fixture
def beside(tmp_path):
    def beside(text: str):
        (tmp_path / "model.toml").write_text(text)
        return tmp_path / "model.keras"

    return beside


def test_defaults_where_nothing_stands(tmp_path):
    assert settings_of(tmp_path / "model.keras") == Settings(0.0, 0.35, False, None, "MIT", None)


def test_what_is_given_goes_before_what_stands_beside(beside):
    model = beside('crop_margin = 0.1\nthreshold = 0.4\ntraining_data = "faces"')
    found = settings_of(model, threshold=0.0, licence=None)
    assert found == Settings(crop_margin=0.1, threshold=0.0, licence="MIT", training_data="faces")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("crop_margin =", "model.toml cannot be read"),
        ("margin = 0.1", "unknown key margin; known are crop_margin"),
        ("crop_margin = 2", "crop_margin is 2; wanted a number from -0.3 to 1"),
        ("threshold = 'high'", "threshold is 'high'; wanted a number"),
        ("licence = 3", "licence is 3; wanted text"),
    ],
)
def test_a_wrong_file_is_refused(beside, text, words):
    with pytest.raises(ConfigError, match=words):
        settings_of(beside(text))
