"""Processes of another computer: the kernel gives them another host name, all else is as here."""

import functools
import shutil
import subprocess


def elsewhere(*command: str) -> list[str]:
    """Return a command as a computer named so would run it."""
    return ["unshare", "--uts", "sh", "-c", 'hostname elsewhere && exec "$0" "$@"', *command]


@functools.cache
def there_is_no_elsewhere() -> bool:
    """Whether this user may make no such process."""
    return shutil.which("unshare") is None or subprocess.run(elsewhere("true"), check=False).returncode != 0
