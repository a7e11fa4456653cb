"""A kiosk that is told to end writes what it has first."""

import signal
import subprocess
import sys

import pytest

KIOSK = """
import time
from edge.kiosk.service import Kiosk
from edge.kiosk.settings import KioskSettings
from edge.kiosk.sources import choose_source

class Slow:
    def write(self, rgb, result): ...
    def reopen(self): ...
    def close(self):
        time.sleep(1.0)
        print("written", flush=True)

config = KioskSettings(source="synthetic", port=0)
kiosk = Kiosk(config, choose_source(config))
kiosk.stream.add_sink(Slow())
kiosk.run(lambda: print("started", flush=True))
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_takes_a_moment_to_be_written_is_written(environment, number):
    # A shell's background leaves SIGINT ignored.
    code = f"import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n{KIOSK}"
    process = subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=-1, stderr=-1, text=True)
    assert process.stdout.readline() == "started\n"
    process.send_signal(number)
    said, _ = process.communicate(timeout=60)
    assert said == "written\n"
    assert process.returncode == -number, "whoever sent it sees that it ended the process"
