"""Who holds the beamline, by the name on the lease of the membrane."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from lics_beamline.devices.lease import LONGEST_CHARACTERS, LeaseHolder, foreign, mark_of, this_host

ME = os.getpid()


def test_a_name_is_short_enough_for_epics_and_is_read_back_with_pid_host_and_since():
    holder = LeaseHolder(pid=4711, host="a" * 10, since="11-26T07:05", mark="0f3c9")
    assert LeaseHolder.read(holder.name) == holder
    longest = LeaseHolder(pid=4194304, host="a" * 16, since="11-26T07:05", mark="0f3c9")
    assert len(longest.name) <= LONGEST_CHARACTERS
    assert LeaseHolder.read(longest.name) == replace(longest, since="11-26"), "the date, where there is no room"
    mine = LeaseHolder.of_process(ME)
    assert mine.mark
    assert LeaseHolder.read(mine.name).is_process(ME)


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


def test_a_process_that_has_got_the_number_of_the_holder_since_holds_nothing():
    other = "0f3c9" if mark_of(ME) != "0f3c9" else "1f3c9"
    parent = os.getppid()
    gone = LeaseHolder.read(f"{parent}:{other} on {this_host()} 11-26T07:05")
    assert foreign(gone.name, ME) == "", "its number is that of another process now, which is alive"
    assert foreign(LeaseHolder.of_process(parent).name, ME).startswith(f"process {parent} on {this_host()}")
    assert foreign(f"{parent} on {this_host()} 11-26T07:05", ME) != "", "an older version told no more"
    before_me = LeaseHolder.read(f"{ME}:{other} on {this_host()} 11-26T07:05")
    assert (before_me.is_process(ME), before_me.is_dead()) == (False, True)
    assert not LeaseHolder.read(f"{ME}:{other} on elsewhere 11-26T07:05").is_dead()


def test_a_process_that_has_ended_holds_nothing_though_its_parent_has_not_noticed():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    name = LeaseHolder.of_process(child.pid).name
    assert foreign(name, ME).startswith(f"process {child.pid}")
    child.stdin.close()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert foreign(name, ME) == ""
    child.wait()
