"""Failed logins in the log, without letting anybody fill it."""

from edge.kiosk.logins import FailedLogins


def test_failed_logins_are_logged_ten_a_minute_for_each_address(caplog):
    now = [100.0]
    failed = FailedLogins(clock=lambda: now[0])
    for _ in range(25):
        failed.note({"client": ("10.0.0.5", 1)})
    failed.note({"client": ("fd00::7", 1)})
    assert caplog.text.count("from 10.0.0.5 failed") == 10
    assert caplog.text.count("from fd00::7 failed") == 1
    now[0] += 60
    failed.note({"client": ("10.0.0.5", 1)})
    assert "15 more logins from 10.0.0.5 failed" in caplog.text
    assert caplog.text.count("a login from 10.0.0.5 failed") == 11
    for number in range(5000):
        failed.note({"client": (f"host-{number}", 1)})
    assert len(failed._minutes) == 1000
