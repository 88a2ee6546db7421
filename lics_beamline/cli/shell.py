"""The interactive session: IPython with the engine, the devices and the plans, as people who know bluesky expect it."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lics_beamline.cli.running_text import tell_line
from lics_beamline.errors import LicsError, ProfileError

if TYPE_CHECKING:
    from lics_beamline.session.session import Session

LABELS: Final = {  # by which %wa and %ct list devices; a count of "detectors" must expose no plate
    "motors": ("stage",),
    "controllers": ("membrane", "heater"),
    "detectors": ("thermocouples", "ruby", "beam"),
}


def interact(session: Session, *, layer: str) -> int:
    """Give the prompt until the person leaves, and leave nothing on.

    Parameters
    ----------
    session : Session
        The session.
    layer : str
        What speaks Channel Access, for the greeting.

    Returns
    -------
    int
        Exit code.
    """
    from lics_beamline.session import aftermath

    with contextlib.ExitStack() as stack:
        names, says = _names(session, stack)
        tell_line(f"{session.profile.values.beamline}, by {layer}: {', '.join(names)}\n{says}")
        prompt = _Prompt(names, session)
        code = prompt.until_left()
        while (on := aftermath.left_on(session.beamline)) and not _leaves(on):
            tell_line("still in the session")
            code = prompt.until_left()
        return code if aftermath.leave(session.engine, session.beamline) else 4


def _names(session: Session, stack: contextlib.ExitStack) -> tuple[dict[str, Any], str]:
    """Return what is at hand at the prompt, and how to begin."""
    import bluesky.plan_stubs as bps
    import bluesky.plans as bp
    import bluesky.preprocessors as bpp

    from lics_beamline.cli.run_tables import LateCatalog, newest_run
    from lics_beamline.experiment import read_experiment
    from lics_beamline.session.bound_plans import bound_plans

    devices = {device.name: device for device in session.beamline.devices()}
    for label, labelled in LABELS.items():
        for name in labelled:
            devices[name]._ophyd_labels_ = {label}
    names = {
        "RE": session.engine,
        "beamline": session.beamline,
        "bp": bp,
        "bps": bps,
        "bpp": bpp,
        **bound_plans(session),
        **devices,
        "catalog": LateCatalog(session.data, stack),
        "last": functools.partial(newest_run, session.data),
        "data": session.data,
        "read_experiment": read_experiment,
        "Path": Path,
    }
    offered, says = _offered(session)
    return names | offered, says


def _offered(session: Session) -> tuple[dict[str, Any], str]:
    """Return the experiment that a session begins with, by its name there, and how to walk one.

    Nobody has asked for it: a session begins without one where the profile has none, or one that cannot be read.
    """
    from lics_beamline.session.asked_experiment import named_experiment

    try:
        experiment = named_experiment(session.profile, session.profile.values.shell.experiment)
    except ProfileError as error:
        return {}, f"no experiment: {error}\nRE(sweep('my.toml'))"
    return {"experiment": experiment}, "RE(sweep(experiment, points=2))"


class _Prompt:
    """IPython's prompt with what bluesky has for it.

    Parameters
    ----------
    names : dict
        What is at hand there.
    session : Session
        Whose engine the magics, bars and plots are of.
    """

    def __init__(self, names: dict[str, Any], session: Session) -> None:
        from bluesky.utils import RunEngineInterrupted
        from IPython.core.autocall import IPyAutocall
        from IPython.terminal.interactiveshell import TerminalInteractiveShell
        from traitlets.config import Config

        config = Config()
        config.TerminalInteractiveShell.confirm_exit = False  # it is asked about where something is on
        config.TerminalInteractiveShell.banner1 = config.TerminalInteractiveShell.banner2 = ""
        if not sys.stdin.isatty() or os.environ.get("TERM") == "dumb":
            config.TerminalInteractiveShell.simple_prompt = True
            config.TerminalInteractiveShell.colors = "nocolor"
        self._code = 0

        class Leave(IPyAutocall):
            """Leave the session, with an exit code if wanted; with or without parentheses."""

            rewrite = False

            def __call__(leaving, code: int = 0) -> None:  # noqa: N805  the prompt's own `self` is needed
                self._code = code if isinstance(code, int) else 0
                self._shell.ask_exit()

        self._shell = TerminalInteractiveShell.instance(config=config, user_ns=names)
        self._shell.user_ns.update(exit=Leave(), quit=Leave())  # IPython's own take no code
        self._shell.set_custom_exc((LicsError, RunEngineInterrupted), _say)
        _equip(self._shell, session)

    def until_left(self) -> int:
        """Give the prompt until the person leaves; return the code of ``exit()``."""
        self._code = 0
        while True:
            try:
                self._shell.interact()  # its `mainloop` can be called once only
            except KeyboardInterrupt:  # outside of what IPython itself hears it in
                continue
            return self._code


def _say(shell: Any, kind: type[BaseException], error: BaseException, trace: Any, tb_offset: Any = None) -> None:
    """Say what happened in one message: our errors are written for people."""
    sys.stderr.write(f"{kind.__name__}: {error}\n")


def _equip(shell: Any, session: Session) -> None:
    """Give the prompt bluesky's magics, bars and best-effort plots, as the profile says."""
    from bluesky.magics import BlueskyMagics
    from bluesky.utils import ProgressBarManager

    settings, engine = session.profile.values.shell, session.engine
    BlueskyMagics.RE = engine
    shell.register_magics(BlueskyMagics)
    if settings.progress and sys.stdout.isatty():
        engine.waiting_hook = ProgressBarManager()
    if settings.best_effort:
        shell.user_ns["bec"] = _best_effort()  # the name that bluesky's own profiles give it
        engine.subscribe(shell.user_ns["bec"])


def _best_effort() -> Any:
    """Return bluesky's best-effort callback, which plots where there is a display."""
    from bluesky.callbacks.best_effort import BestEffortCallback
    from matplotlib import get_backend, pyplot
    from matplotlib.backends import BackendFilter, backend_registry

    shown = BestEffortCallback()
    if get_backend().lower() in backend_registry.list_builtin(BackendFilter.INTERACTIVE):
        pyplot.ion()
    else:
        shown.disable_plots()
    return shown


def _leaves(on: tuple[str, ...]) -> bool:
    """Ask whether to make safe what is on and leave; who cannot be asked does."""
    if not sys.stdin.isatty():
        return True
    tell_line(f"still on: {'; '.join(on)}.")
    try:
        return not input("Make safe and leave? [Y/n] ").strip().lower().startswith("n")
    except EOFError:
        return True
    except KeyboardInterrupt:
        return False
