"""A PostgreSQL of one's own, started for a test and removed with it."""

import contextlib
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from free_port import free_port

PROGRAMS = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), Path())
HAS_POSTGRESQL = PROGRAMS.is_absolute()
NO_POSTGRESQL = pytest.mark.skipif(not HAS_POSTGRESQL, reason="no PostgreSQL: apt-get install postgresql")
SOON_S = 300  # for hangs only


@contextlib.contextmanager
def cluster() -> Iterator[str]:
    """Give the URI of an empty database; root starts it as the user that the package has made."""
    owner = pwd.getpwnam("postgres") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
    other = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []} if os.getuid() == 0 else {}
    with contextlib.ExitStack() as stack:
        folder = Path(subprocess.check_output(["mktemp", "-d"], text=True).strip())
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        port = free_port()

        def run(program: str, *arguments: object) -> None:
            command = [str(PROGRAMS / program), *map(str, arguments)]
            subprocess.run(command, stdout=subprocess.DEVNULL, cwd=folder, check=True, **other)  # type: ignore[call-overload]

        run("initdb", "-D", folder / "cluster", "-A", "trust", "-U", "lics", "--no-sync")
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
        served = ("-D", folder / "cluster", "-w", "-t", SOON_S)
        run("pg_ctl", *served, "-l", folder / "log", "-o", options, "start")
        stack.callback(run, "pg_ctl", *served, "-m", "immediate", "stop")
        run("createdb", "-h", folder, "-p", port, "-U", "lics", "runs")
        yield f"postgresql://lics@127.0.0.1:{port}/runs"
