"""Where the manager of a queue listens, as its command line and environment say."""

import pytest

from lics_beamline.session.queue_manager import ADDRESS, ADDRESS_VARIABLE, manager_address


@pytest.mark.parametrize(
    ("arguments", "environment", "address"),
    [
        ([], {}, ADDRESS),
        (
            ["--zmq-control-addr", "tcp://127.0.0.1:6000", "--verbose"],
            {ADDRESS_VARIABLE: "tcp://*:7"},
            "tcp://127.0.0.1:6000",
        ),
        (["--zmq-control-addr=tcp://*:6000"], {}, "tcp://localhost:6000"),
        (["--zmq-addr", "tcp://*:6001"], {}, "tcp://localhost:6001"),
        (["--zmq-control-addr"], {ADDRESS_VARIABLE: "tcp://*:6002"}, "tcp://localhost:6002"),
    ],
)
def test_the_manager_is_where_its_command_line_or_else_its_environment_says(arguments, environment, address):
    assert manager_address(arguments, environment) == address
