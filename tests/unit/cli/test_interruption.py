"""Ctrl-C at the command line ends it where it came, and no import in its middle."""

import importlib
import os
import signal
import sys

import pytest

from lics_beamline.cli.interruption import InterruptionHandler

IMPORTED = """
import os, signal
os.kill(os.getpid(), signal.{name})
steps = sum(1 for _ in range(100_000))  # the handler runs between two of them
whole = True
"""


@pytest.fixture(autouse=True)
def listening():
    interrupt = InterruptionHandler()
    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_an_interruption_in_an_import_comes_once_the_module_is_whole(tmp_path, monkeypatch, name):
    module = f"interrupted_by_{name.lower()}"
    (tmp_path / f"{module}.py").write_text(IMPORTED.format(name=name))
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012 - when it comes is what is tested
        importlib.import_module(module)
        signal.pause()
    assert sys.modules[module].whole


def test_any_other_interruption_comes_at_once():
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)
