"""Who holds the beamline, by the name on the lease of the membrane."""

import os
import subprocess
import sys

import pytest

from lics_beamline.devices.lease import LONGEST_CHARACTERS, LeaseHolder, foreign, this_host

ME = os.getpid()


def test_a_name_is_short_enough_for_epics_and_is_read_back_with_pid_host_and_since():
    holder = LeaseHolder(pid=4194304, host="a" * 16, since="11-26T07:05")
    assert len(holder.name) <= LONGEST_CHARACTERS
    assert LeaseHolder.read(holder.name) == holder
    assert LeaseHolder.of_process(ME).is_process(ME)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("", ""),
        (f"{ME} on {this_host()} 11-26T07:05", ""),
        ("4711 on elsewhere 11-26T07:05", "process 4711 on elsewhere since 11-26T07:05"),
        (f"{ME} on elsewhere 11-26T07:05", f"process {ME} on elsewhere since 11-26T07:05"),
        ("4711 on elsewhere", "process 4711 on elsewhere"),
        ("somebody else", "'somebody else'"),
        (f"9999999999 on {this_host()}", ""),
        (f"{'9' * 5000} on {this_host()}", f"'{'9' * 5000} on {this_host()}'"),
        (f"\u0663 on {this_host()}", f"'\u0663 on {this_host()}'"),
    ],
    ids=[
        "free",
        "mine",
        "of another process",
        "of my number elsewhere",
        "without a time",
        "without a number",
        "of no process",
        "endless",
        "another digit",
    ],
)
def test_who_holds_it_is_named_unless_it_is_oneself(name, says):
    assert foreign(name, ME) == says


def test_a_living_process_of_this_computer_holds_it_and_a_dead_one_does_not():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    name = LeaseHolder.of_process(child.pid).name
    assert foreign(name, ME).startswith(f"process {child.pid} on {this_host()} since ")
    child.communicate()
    assert foreign(name, ME) == ""
