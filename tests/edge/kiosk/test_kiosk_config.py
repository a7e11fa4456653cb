from dataclasses import fields

import pytest
from click.testing import CliRunner

from edge.cli import cli
from edge.errors import ConfigError
from edge.kiosk.settings import KIOSK, KioskSettings


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "kiosk.toml"

    def write(text):
        path.write_text(text)
        return path

    return write


def test_defaults_need_nothing():
    loaded = KIOSK.load(environ={})
    assert loaded.settings == KioskSettings()
    assert set(loaded.origins.values()) == {"default"}


def test_each_layer_beats_the_one_below(file):
    path = file('port = 1001\nvideo = "blur"\nlanguage = "de"\nthreshold = 1\n')
    environ = {"EMOTION_EDGE_KIOSK_PORT": "1002", "EMOTION_EDGE_KIOSK_VIDEO": "off"}
    loaded = KIOSK.load({"port": 1003, "host": None}, path=path, environ=environ)
    assert (loaded.settings.port, loaded.settings.video, loaded.settings.language) == (1003, "off", "de")
    assert loaded.settings.threshold == 1.0
    assert loaded.origins["port"] == "command line"
    assert loaded.origins["video"] == "environment"
    assert loaded.origins["language"] == "file"
    assert loaded.origins["host"] == "default"


def test_the_environment_can_name_the_file(file):
    path = file("port = 1001\n")
    assert KIOSK.load(environ={"EMOTION_EDGE_KIOSK_CONFIG": str(path)}).settings.port == 1001


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("prot = 80", "unknown key 'prot'; did you mean 'port'?"),
        ("zzzzzz = 80", "known are source, host"),
        ('port = "80"', "must be a whole number, got '80'"),
        ("port = 80.5", "must be a whole number"),
        ("port = true", "must be a whole number"),
        ("port = 70000", "must be from 0 to 65535, got 70000"),
        ('video = "maybe"', "one of on, blur, off, got 'maybe'"),
        ("auth = 1", "true or false"),
        ('allow_host = "a"', "a list of texts"),
        ("allow_host = [1]", "a list of texts"),
        ('size = "640"', "WIDTHxHEIGHT"),
        ("rotate = 45", "one of 0, 90, 180, 270"),
        ("port = ", "is not TOML"),
    ],
)
def test_a_wrong_file_is_an_error_that_helps(file, text, words):
    with pytest.raises(ConfigError, match=r"kiosk\.toml") as caught:
        KIOSK.load(path=file(text), environ={})
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("PROT", "80", "did you mean 'EMOTION_EDGE_KIOSK_PORT'"),
        ("PORT", "eighty", "must be a whole number, got 'eighty'"),
        ("AUTH", "perhaps", "true or false"),
    ],
)
def test_a_wrong_variable_is_an_error_that_helps(name, text, words):
    with pytest.raises(ConfigError) as caught:
        KIOSK.load(environ={"EMOTION_EDGE_KIOSK_" + name: text})
    assert words in str(caught.value)


def test_variables_take_the_type_of_their_setting():
    environ = {"AUTH": "no", "ALLOW_HOST": "a.example, b.example", "THRESHOLD": "0.5", "MAX_UPLOADS": "2"}
    config = KIOSK.load(environ={"EMOTION_EDGE_KIOSK_" + name: text for name, text in environ.items()}).settings
    assert (config.auth, config.allow_host, config.threshold, config.max_uploads) == (
        False,
        ("a.example", "b.example"),
        0.5,
        2,
    )


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(ConfigError, match="No such file"):
        KIOSK.load(path=tmp_path / "none.toml", environ={})


@pytest.mark.parametrize(
    ("host", "own"), [("127.0.0.1", True), ("localhost", True), ("::1", True), ("0.0.0.0", False), ("pi.local", False)]
)
def test_which_addresses_are_this_devices_own(host, own):
    assert KioskSettings(host=host).loopback is own


def test_every_setting_is_an_option_and_says_what_it_means():
    shown = CliRunner().invoke(cli, ["kiosk", "--help"]).output
    for setting in fields(KioskSettings):
        assert "--" + setting.name.replace("_", "-") in shown
        assert setting.metadata["help"].split()[0] in shown


def test_show_prints_toml_that_can_be_read_back(file, tmp_path):
    path = file('video = "blur"\nallow_host = ["kiosk.example"]\n')
    done = CliRunner().invoke(cli, ["config", "show", "--config", str(path), "--port", "9000"])
    assert done.exit_code == 0
    again = tmp_path / "again.toml"
    again.write_text(done.output)
    config = KIOSK.load(path=again, environ={}).settings
    assert config == KIOSK.load({"port": 9000}, path=path, environ={}).settings
    assert "# command line" in next(line for line in done.output.splitlines() if line.startswith("port"))
    assert "# file" in next(line for line in done.output.splitlines() if line.startswith("video"))


def test_check_tells_good_from_bad(file):
    assert "is fine" in CliRunner().invoke(cli, ["config", "check", str(file("port = 1"))]).output
    done = CliRunner().invoke(cli, ["config", "check", str(file("prot = 1"))])
    assert done.exit_code == 1
    assert "did you mean 'port'" in done.stderr


def test_check_lists_all_that_is_wrong(file):
    path = file('prot = 1\nvideo = "maybe"\nthreshold = nan\nvideo_fps = inf\nmax_uploads = 3\n')
    environ = {"EMOTION_EDGE_KIOSK_PORT": "eighty", "EMOTION_EDGE_KIOSK_POTR": "1", "EMOTION_EDGE_KIOSK_THEME": "blue"}
    done = CliRunner(env=environ).invoke(cli, ["config", "check", str(path)])
    assert done.exit_code == 1
    assert len(done.stderr.splitlines()) == 7
    for words in (
        "'prot'",
        "video (",
        "threshold (",
        "video_fps (",
        "KIOSK_PORT must",
        "KIOSK_POTR;",
        "KIOSK_THEME must",
    ):
        assert words in done.stderr


def test_a_threshold_that_is_not_set_is_the_models(file):
    assert KIOSK.load(environ={}).settings.threshold is None
    assert KIOSK.load(path=file("threshold = 1"), environ={}).settings.threshold == 1.0
    assert KIOSK.load(environ={"EMOTION_EDGE_KIOSK_THRESHOLD": "0.5"}).settings.threshold == 0.5


@pytest.mark.parametrize("verb", ["kiosk", "stream"])
@pytest.mark.parametrize(
    "address", ["mqtt://me:hush@broker", "mqtts://me:hu%2Fsh@broker:1", "me:hush@broker", "hush@b"]
)
def test_no_password_is_shown(file, verb, address):
    path = file(f'source = "rtsp://me:hush@camera/live"\nmqtt = "{address}"\n')
    done = CliRunner().invoke(cli, ["config", "show", "--verb", verb, "--config", str(path)])
    assert done.exit_code == 0
    host = address.rpartition("@")[2]
    _, *lines = done.output.splitlines()  # the first names the file
    assert next(line for line in lines if line.startswith("mqtt = ")).split('"')[1].endswith(host)
    assert not any(secret in line for line in lines for secret in ("hush", "hu%2Fsh"))
    assert 'source = "rtsp://me@camera/live"' in done.output


def test_no_password_is_told_by_an_error(file):
    for text in ('mqtt = ["mqtt://me:hush@broker"]', 'mqtt = {a = "hush"}', 'mqtt = "mqtt://me:hush@broker:port"'):
        done = CliRunner().invoke(cli, ["config", "check", str(file(text))])
        assert done.exit_code == 1
        assert "mqtt" in done.stderr.lower()
        assert "hush" not in done.output + done.stderr


def test_check_also_lists_what_is_named_and_missing(file, tmp_path):
    text = 'model = "no.tflite"\nprot = 1\nmqtt = "broker"\nmqtt_name = "a b"\n'
    done = CliRunner().invoke(cli, ["config", "check", str(file(text + 'mqtt_ca = "no.pem"\n'))])
    assert done.exit_code == 1
    lines = done.stderr.splitlines()
    for words in ("'prot'", "model: no such file", "MQTT name", "MQTT address", "no.pem"):
        assert sum(words in line for line in lines) == 1, words
    assert len(lines) == 5
    done = CliRunner().invoke(cli, ["config", "check", str(file('source = "no.mp4"\nlogo = "no.svg"\n'))])
    assert [line.split("; ")[0] for line in done.stderr.splitlines()] == [
        "error: no such source: 'no.mp4'",
        "error: logo no.svg cannot be read: No such file or directory",
    ]
    done = CliRunner().invoke(cli, ["config", "check", "--verb", "stream", str(file('source = "auto"\n'))])
    assert "no such source: 'auto'" in done.stderr


@pytest.mark.parametrize("source", ["auto", "demo", "none", "picamera", "0", "/dev/video9", "rtsp://camera/live"])
def test_check_asks_for_no_camera(file, source):
    assert CliRunner().invoke(cli, ["config", "check", str(file(f'source = "{source}"'))]).exit_code == 0
