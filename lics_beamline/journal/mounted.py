"""Whether the locks of one computer are seen by the others that have the same folder: a matter of its file system."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MOUNTS: Final = Path("/proc/self/mountinfo")  # proc_pid_mountinfo(5)
OF_ONE_COMPUTER: Final = frozenset(  # disks and memory: whoever reads them is of this computer, or its server asks it
    "bcachefs btrfs erofs exfat ext2 ext3 ext4 f2fs hfsplus iso9660 jfs ntfs3 overlay ramfs reiserfs squashfs tmpfs "
    "udf ufs vfat xfs zfs".split()
)
BETWEEN_COMPUTERS: Final = frozenset("ceph fuse.ceph fuse.glusterfs gfs2 gpfs lustre nfs nfs4 ocfs2".split())
KEPT_HERE: Final = frozenset(  # options by which a mount keeps its locks to itself: nfs(5), mount.lustre(8)
    "nolock local_lock=all local_lock=flock localflock".split()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mounted:
    """The file system of a folder.

    Parameters
    ----------
    point : str
        Where it is mounted.
    kind : str
        Its type, as ``/proc/self/mountinfo`` says: ``ext4``, ``nfs4``, ``fuse.sshfs``.
    options : frozenset of str
        What it is mounted with.
    """

    point: str
    kind: str
    options: frozenset[str]

    @property
    def shows_all_locks(self) -> bool:
        """Whether a lock that any computer holds is seen here; where it is not known, it is not."""
        if self.kind in OF_ONE_COMPUTER:
            return True
        return self.kind in BETWEEN_COMPUTERS and not self.options & KEPT_HERE

    def __str__(self) -> str:
        kept = ", ".join(sorted(self.options & KEPT_HERE))
        return f"{self.kind} at {self.point}" + (f", mounted with {kept}" if kept else "")


def mounted(path: Path) -> Mounted:
    """Return the file system that a path is on.

    Parameters
    ----------
    path : Path
        A file or folder, or one that is to be made.
    """
    try:
        text = MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:  # no Linux: nothing is known
        text = ""
    return find_mount(text, path.resolve())


def find_mount(mounts: str, path: Path) -> Mounted:
    """Return the file system of a path by a list of mounts.

    Parameters
    ----------
    mounts : str
        As ``/proc/self/mountinfo`` has it.
    path : Path
        Absolute, without links.
    """
    found = Mounted(point="/", kind="unknown", options=frozenset())
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        fields, kind = before.split(), after.split()
        if len(fields) < 6 or len(kind) < 3:
            continue
        point = _plain(fields[4])
        if path.is_relative_to(point) and len(point) >= len(found.point):  # the later hides the other
            found = Mounted(point=point, kind=kind[0], options=frozenset((fields[5] + "," + kind[2]).split(",")))
    return found


def _plain(said: str) -> str:
    """Return a path from the octal escapes of its spaces, tabs, line ends and backslashes."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), said)
