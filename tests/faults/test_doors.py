"""Who may come in: everything listens on loopback unless it is asked for more, and keys are written nowhere."""

import os
import struct
from pathlib import Path

from lics_beamline.catalog.store import open_catalog
from lics_beamline.catalog.tiled_profile import write_profile
from lics_beamline.data_folder import DataFolder
from lics_beamline.session.simulation import simulation

LOOPBACK = "127.0.0.1"
LISTENS = "0A"  # state of a TCP socket, in /proc/net/tcp


def sockets(pid: int) -> set[str]:
    """Inodes of the sockets that a process has open."""
    links = (os.readlink(path) for path in Path(f"/proc/{pid}/fd").iterdir() if path.is_symlink())
    return {link.removeprefix("socket:[").removesuffix("]") for link in links if link.startswith("socket:[")}


def doors(pid: int) -> set[str]:
    """Addresses at which a process can be reached: listening TCP sockets, and UDP sockets that are bound."""
    own, found = sockets(pid), set()
    for kind in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/{pid}/net/{kind}").read_text().splitlines()[1:]:
            local, state, inode = (line.split()[column] for column in (1, 3, 9))
            if inode in own and (kind.startswith("udp") or state == LISTENS):
                address, _, port = local.partition(":")
                if int(port, 16):
                    packed = struct.pack("=I", int(address[-8:], 16))
                    found.add(".".join(str(part) for part in packed))
    return found


def test_the_simulated_beamline_can_be_reached_from_this_machine_only(tmp_path):
    with simulation(
        prefix="DOOR:", world="volumetric", seed=1, speed=60.0, plates=tmp_path / "plates", log=tmp_path / "log"
    ) as running:
        assert doors(running.process.pid) == {LOOPBACK}


def test_the_catalog_opens_no_door_and_writes_no_key(tmp_path, monkeypatch):
    secret = "nottobewrittenanywhere"
    for name in ("TILED_API_KEY", "TILED_SINGLE_USER_API_KEY"):
        monkeypatch.setenv(name, secret)
    data = DataFolder(tmp_path / "data").make()
    before = doors(os.getpid())
    with open_catalog(data, writable=True):
        assert doors(os.getpid()) == before
        assert secret not in Path("/proc/self/cmdline").read_text()
    write_profile(data, folder=tmp_path / "profiles")
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert written
    assert not [path for path in written if secret.encode() in path.read_bytes()]
