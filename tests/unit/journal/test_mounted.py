"""On which file systems computers see each other's locks."""

import os
from pathlib import Path

import pytest

from lics_beamline.journal.mounted import find_mount, mounted

MOUNTS = """\
22 1 253:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
40 22 0:41 / /home rw,relatime - nfs4 server:/home rw,vers=4.2,hard,local_lock=none,addr=192.0.2.1
41 22 0:42 / /old rw,relatime - nfs server:/old rw,vers=3,nolock,addr=192.0.2.1
42 22 0:43 / /half rw,relatime - nfs server:/half rw,vers=3,local_lock=flock
43 22 0:44 / /far rw,nosuid shared:7 master:1 - fuse.sshfs user@far:/data rw,user_id=0
44 22 0:45 / /windows rw - cifs //server/share rw,vers=3.1.1
45 22 0:46 / /scratch rw - lustre mgs:/scratch rw,flock
46 22 0:47 / /quick rw - lustre mgs:/quick rw,localflock
47 22 0:48 / /two\\040words rw - nfs4 server:/two rw
48 40 0:49 / /home/here rw - xfs /dev/vdb rw
49 22 0:50 / /far rw - tmpfs tmpfs rw
"""


@pytest.mark.parametrize(
    ("path", "kind", "seen"),
    [
        ("/srv/data", "ext4", True),
        ("/home/data", "nfs4", True),
        ("/homework", "ext4", True),
        ("/home/here/data", "xfs", True),
        ("/old/data", "nfs", False),
        ("/half/data", "nfs", False),
        ("/windows/data", "cifs", False),
        ("/scratch/data", "lustre", True),
        ("/quick/data", "lustre", False),
        ("/two words/data", "nfs4", True),
        ("/far/data", "tmpfs", True),  # the later mount hides the other
    ],
)
def test_a_folder_is_of_the_mount_it_lies_in_with_its_options(path, kind, seen):
    found = find_mount(MOUNTS, Path(path))
    assert (found.kind, found.shows_all_locks) == (kind, seen)


def test_what_is_not_known_shows_no_locks():
    assert not find_mount(MOUNTS.replace(" - tmpfs", " - no_such_fs"), Path("/far/data")).shows_all_locks
    assert not find_mount("", Path("/srv")).shows_all_locks
    assert str(find_mount(MOUNTS, Path("/old/x"))) == "nfs at /old, mounted with nolock"


def test_lines_of_another_form_are_passed_over():
    assert find_mount("\n - \n1 2 3\n" + MOUNTS, Path("/srv")).kind == "ext4"


def test_the_list_of_this_computer_is_read(tmp_path):
    found = mounted(tmp_path / "not there yet")
    assert os.path.ismount(found.point)
    assert found.kind != "unknown"
