"""What stands in the queue of a bluesky-queueserver before a plan that is submitted, as its manager keeps it in Redis.

The manager judges a plan in its own process, and gives what judges it the plan alone. Which Redis it uses, and by which
names, its command line says, as it is read there.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Sequence
from typing import Any, Final

REDIS_ADDRESS: Final = "localhost"  # as of start-re-manager
REDIS_NAME_PREFIX: Final = "qs_default"  # as of start-re-manager
PATIENCE_S: Final = 0.5  # for Redis, which is beside the manager: a client waits 2 s for all

logger = logging.getLogger(__name__)


def queued_plans(arguments: Sequence[str] | None = None) -> tuple[dict[str, Any], ...]:
    """Return the plans that run or wait, in the order in which they come; none where there is no queue to be read.

    Parameters
    ----------
    arguments : sequence of str, optional
        Of the command line of the manager; default those of this process.

    Returns
    -------
    tuple of dict
        Each with ``name``, and ``args`` and ``kwargs`` where it has them.
    """
    import redis

    arguments = sys.argv[1:] if arguments is None else arguments
    address = option(arguments, "--redis-addr", REDIS_ADDRESS)
    prefix = option(arguments, "--redis-name-prefix", REDIS_NAME_PREFIX)
    names = [f"{prefix}_{what}" if prefix else what for what in ("running_plan", "plan_queue")]
    timeouts = {"socket_timeout": PATIENCE_S, "socket_connect_timeout": PATIENCE_S}
    try:
        with redis.Redis.from_url(f"redis://{address}", **timeouts) as store:
            running = store.get(names[0])
            waiting = store.lrange(names[1], 0, -1)
    except (redis.RedisError, ValueError, OSError) as error:
        logger.warning("the queue cannot be read, so a plan is judged as if it were the first: %s", error)
        return ()
    items = [json.loads(each) for each in (running, *waiting) if each]
    return tuple(item for item in items if isinstance(item, dict) and item.get("item_type", "plan") == "plan" and item)


def option(arguments: Sequence[str], name: str, default: str) -> str:
    """Return what a command line says for an option; the last word of it counts.

    Parameters
    ----------
    arguments : sequence of str
        Of the command line.
    name : str
        Of the option, with its dashes.
    default : str
        Where it says nothing.
    """
    value = default
    for place, word in enumerate(arguments):
        said, is_joined, joined = word.partition("=")
        if said == name and (is_joined or place + 1 < len(arguments)):
            value = joined if is_joined else arguments[place + 1]
    return value
