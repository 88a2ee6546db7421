"""A program in a terminal of its own: what a person types, and what he reads."""

import contextlib
import fcntl
import os
import pty
import subprocess
import termios
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path


class Terminal:
    """A running program and the terminal in which it runs.

    Parameters
    ----------
    process : subprocess.Popen
        The program.
    master : int
        Our end of its terminal.
    """

    def __init__(self, process: "subprocess.Popen[bytes]", master: int) -> None:
        self.process = process
        self.said = ""
        self._master = master
        self._read = 0

    def types(self, *lines: str) -> None:
        """Type lines."""
        for line in lines:
            os.write(self._master, f"{line}\n".encode())

    def interrupts(self) -> None:
        """Press Ctrl-C: everything in the foreground hears it."""
        os.write(self._master, b"\x03")

    def leaves(self) -> None:
        """Press Ctrl-D."""
        os.write(self._master, b"\x04")

    def shows(self, text: str) -> str:
        """Read until it shows a text, after what was read before; the test's time-out is the limit."""
        begun = self._read
        while (found := self.said.find(text, begun)) < 0:
            assert self._listen(), f"it ended without {text!r}: {self.said[begun:]}"
        self._read = found + len(text)
        return self.said[begun : self._read]

    def ends(self) -> int:
        """Read until it ends; returns its exit code."""
        while self._listen():
            pass
        return self.process.wait()

    def _listen(self) -> bool:
        try:
            piece = os.read(self._master, 65536)
        except OSError:  # nobody has the terminal open any more
            return False
        self.said += piece.decode(errors="replace")
        return bool(piece)


@contextlib.contextmanager
def terminal(command: Sequence[str], *, folder: Path, environment: Mapping[str, str]) -> Iterator[Terminal]:
    """Run a program in a terminal of its own; killed if it is left alive."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        command,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        cwd=folder,
        env={**environment, "TERM": "dumb", "TILED_PROFILES": str(folder / "profiles")},
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(slave)
    try:
        yield Terminal(process, master)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        os.close(master)
