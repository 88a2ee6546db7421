"""`lics serve` as a process of its own."""

import contextlib
import subprocess
import sys
import time

import httpx

SOON_S = 300  # for hangs only


@contextlib.contextmanager
def serving(data, port, *, database="", folder):
    """`lics serve`, until the context ends."""
    command = [sys.executable, "-m", "lics_beamline", "serve", "--data", str(data.root), "--folder", str(folder)]
    command += ["--port", str(port), *(["--database", database] if database else [])]
    with (folder.parent / "served.txt").open("ab") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said)
    try:
        until = time.monotonic() + SOON_S
        while True:
            with contextlib.suppress(httpx.TransportError):
                assert httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
                break
            assert process.poll() is None, (folder.parent / "served.txt").read_text()
            assert time.monotonic() < until
            process.poll()
        yield process
    finally:
        process.terminate()
        process.wait(SOON_S)
