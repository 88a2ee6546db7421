"""Telling people elsewhere: what the command is given, and that nothing it does reaches who calls it."""

import sys
import time

import pytest
from looking import pace

from lics_beamline.processes.alert import Alerts

WRITES = "import sys; open('told', 'a').write(repr((sys.argv[1:], sys.stdin.read())))"
HOSTILE = ["held at 3.1 GPa", "'; touch owned; '", "$(touch owned)", '"quoted" `touch owned`\nsecond line', "{says}"]


@pytest.mark.parametrize("says", HOSTILE)
def test_what_happened_is_one_word_of_the_command_and_its_input_whatever_it_says(tmp_path, monkeypatch, says):
    monkeypatch.chdir(tmp_path)
    alerts = Alerts([sys.executable, "-c", WRITES, "lics", "now: {says}"], tmp_path / "alerts.log")
    alerts.tell(says)
    alerts.finish()
    while not (tmp_path / "told").exists():
        pace()
    assert eval((tmp_path / "told").read_text()) == (["lics", f"now: {says}"], f"{says}\n")
    assert not (tmp_path / "owned").exists()


def test_a_program_that_is_not_there_or_fails_is_logged_and_nothing_else(tmp_path, caplog):
    for command in (["no-such-program"], [sys.executable, "-c", "import sys; sys.exit('no network')"], ["\0"]):
        alerts = Alerts(command, tmp_path / "alerts.log")
        alerts.tell("held")
        alerts.finish()
    assert caplog.text.count("nobody") == 3
    assert "no network" in (tmp_path / "alerts.log").read_text()


def test_a_program_that_hangs_keeps_nobody_who_tells_waiting(tmp_path):
    alerts = Alerts([sys.executable, "-c", "import time; time.sleep(20)"], tmp_path / "alerts.log")
    began_s = time.monotonic()
    for _ in range(3):
        alerts.tell("held")
    assert time.monotonic() - began_s < 20.0, "it waits for the program"


def test_without_a_command_nothing_is_started(tmp_path):
    Alerts((), tmp_path / "alerts.log").tell("held")
    assert list(tmp_path.iterdir()) == []
