"""Plans of bluesky itself that a queue offers: what they may read and move, and numbers by which they would not end.

Which devices there are, and which of them a group of users may name, the manager of the queue knows; it compares.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from bluesky.utils import MsgGenerator

COUNT: Final = "count"
LIST_SCAN: Final = "list_scan"
STOCK_PLANS: Final = (COUNT, "scan", "rel_scan", LIST_SCAN)
MOST_READINGS: Final = 100_000  # of one plan, a choice: a day and more at a reading a second
LONGEST_DELAY_S: Final = 86_400.0  # between two readings, a choice: a day
NUMBERS_OF: Final[Mapping[str, set[str]]] = {
    COUNT: {"detectors", "num", "delay"},
    "scan": {"detectors", "args", "num"},
    "rel_scan": {"detectors", "args", "num"},
    LIST_SCAN: {"detectors", "args"},
}
WORDS_A_MOTOR: Final = {"scan": 3, "rel_scan": 3, LIST_SCAN: 2}  # its name and its ends, or its name and its positions

# Types as the manager of a queue reads them, names of devices by patterns that it fills in.
READ: Final = {"annotation": "collections.abc.Sequence[Readable]", "devices": {"Readable": ["__READABLE__:.*:?.*"]}}
MOVED: Final = {"annotation": "typing.Union[Motor, float, list[float]]", "devices": {"Motor": ["__MOTOR__:.*:?.*"]}}
PARAMETER_TYPES: Final = {
    "detectors": READ,
    "args": MOVED,
    "num": {"annotation": "typing.Optional[int]"},
    "delay": {"annotation": "typing.Union[float, list[float]]"},
    "per_shot": {"annotation": "NoneType"},  # names of functions, which mean nothing at another computer
    "per_step": {"annotation": "NoneType"},
}


def stock_plans() -> dict[str, Callable[..., MsgGenerator[Any]]]:
    """Return the plans by their names, each of its own here, so that what a queue is told of it is told of no other."""
    import bluesky.plans as bp

    return {name: _own(getattr(bp, name)) for name in STOCK_PLANS}


def _own(plan: Callable[..., MsgGenerator[Any]]) -> Callable[..., MsgGenerator[Any]]:
    @functools.wraps(plan)
    def walked(*args: Any, **kwargs: Any) -> MsgGenerator[Any]:
        return (yield from plan(*args, **kwargs))

    return walked


def stock_refusal(plan: str, parameters: Mapping[str, Any]) -> str:
    """Return why a plan is refused by its numbers; empty where it is not.

    Parameters
    ----------
    plan : str
        One of `STOCK_PLANS`.
    parameters : mapping
        Those of its parameters that have the right type; devices by their names.
    """
    if not NUMBERS_OF[plan] <= parameters.keys():
        return ""  # of the one that is of a wrong type the manager tells
    if not parameters["detectors"]:
        return f"detectors is empty: {plan} would read nothing. Name at least one."
    if plan == COUNT:
        return _wrong_number(parameters["num"]) or _wrong_delay(parameters["delay"], parameters["num"])
    words = [word.value if isinstance(word, Enum) else word for word in parameters["args"]]
    if plan == LIST_SCAN:
        return _wrong_motors(plan, words)
    number = parameters["num"]
    if number is None and len(words) % WORDS_A_MOTOR[plan] == 1:
        number = words.pop()  # bluesky takes it so, too
    return _wrong_motors(plan, words) or _wrong_number(number)


def _wrong_number(number: object) -> str:
    if isinstance(number, (int, float)) and 1 <= number <= MOST_READINGS and number == int(number):
        return ""
    return f"num is {number}: a plan of a queue reads 1 to {MOST_READINGS} times, and ends."


def _wrong_delay(delay: float | Sequence[float], number: int) -> str:
    delays = [delay] if isinstance(delay, (int, float)) else list(delay)
    for each in delays:
        if not 0.0 <= each <= LONGEST_DELAY_S:
            return f"delay is {each:g} s: 0 to {LONGEST_DELAY_S:g} s are waited between two readings."
    if not isinstance(delay, (int, float)) and len(delays) < number - 1:
        return f"delay has {len(delays)} times, {number} readings have {number - 1} between them. Give as many."
    return ""


def _wrong_motors(plan: str, words: Sequence[Any]) -> str:
    """Return what is wrong with names of motors, each followed by numbers; empty where nothing is."""
    each = WORDS_A_MOTOR[plan]
    asked, kind = ("a list of positions", list) if plan == LIST_SCAN else ("start and stop", (int, float))
    if not words or len(words) % each:
        return f"{plan} has {len(words)} words for its motors: each is a name and {asked}, {each} words a motor."
    lengths, moved = set(), set()
    for place in range(0, len(words), each):
        motor, *said = words[place : place + each]
        if not isinstance(motor, str) or not all(isinstance(one, kind) for one in said):
            return f"{plan} has {motor!r:.60} and {said!r:.60} where the name of a motor and {asked} are expected."
        if motor in moved:
            return f"{motor} is named twice, and has one place at a time. Name each motor once."
        moved.add(motor)
        positions = said[0] if plan == LIST_SCAN else said
        lengths.add(len(positions))
        if not positions or not all(math.isfinite(position) for position in positions):
            return f"{motor} is sent to {positions!r:.60}: positions are finite numbers, at least one."
        if len(positions) > MOST_READINGS:
            return f"{motor} has {len(positions)} positions: a plan of a queue reads 1 to {MOST_READINGS} times."
    return "" if len(lengths) == 1 else f"{plan} has motors of {sorted(lengths)} positions. Give each as many."
