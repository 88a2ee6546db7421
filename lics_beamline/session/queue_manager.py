"""The manager of the queue whose worker this process is, asked by its own client to let a paused plan go on.

The manager waits at a plan that it has paused until it resumes or ends it itself; what ends the plan otherwise it does
not hear of. Where it listens, its command line and environment say, as a worker is given them.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Final

from lics_beamline.session.queue_ahead import option

ADDRESS: Final = "tcp://localhost:60615"  # as of start-re-manager
ADDRESS_OPTIONS: Final = ("--zmq-control-addr", "--zmq-addr")  # the second is the older name
ADDRESS_VARIABLE: Final = "QSERVER_ZMQ_CONTROL_ADDRESS_FOR_SERVER"
KEY_VARIABLES: Final = ("QSERVER_ZMQ_PRIVATE_KEY_FOR_SERVER", "QSERVER_ZMQ_PRIVATE_KEY")  # new and older name
ANSWER_MS: Final = 10_000  # for the manager, which is on this computer

logger = logging.getLogger(__name__)


def resume_by_manager() -> bool:
    """Ask the manager to resume the plan that it has paused.

    Returns
    -------
    bool
        Whether it does; otherwise the log says why not.
    """
    from bluesky_queueserver.manager.comms import CommTimeoutError, ZMQCommSendThreads, generate_zmq_public_key

    key = next((os.environ[name] for name in KEY_VARIABLES if os.environ.get(name)), None)
    client = ZMQCommSendThreads(
        zmq_server_address=manager_address(sys.argv[1:], os.environ),
        timeout_recv=ANSWER_MS,
        server_public_key=generate_zmq_public_key(key) if key else None,
    )
    try:
        answer = client.send_message(method="re_resume")
    except CommTimeoutError as error:
        answer = {"success": False, "msg": str(error)}
    finally:
        client.close()
    if not answer["success"]:
        logger.warning("the manager of the queue does not resume the paused plan: %s", answer["msg"])
    return bool(answer["success"])


def manager_address(arguments: Sequence[str], environment: Mapping[str, str]) -> str:
    """Return where clients on this computer reach the manager.

    Parameters
    ----------
    arguments : sequence of str
        Of its command line.
    environment : mapping of str to str
        Its environment.
    """
    said = [option(arguments, name, "") for name in ADDRESS_OPTIONS]
    found = next((address for address in (*said, environment.get(ADDRESS_VARIABLE)) if address), ADDRESS)
    return found.replace("*", "localhost")
