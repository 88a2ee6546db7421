"""The end of the process that serves every soft IOC."""

import asyncio

from lics_simulators.server import _end


async def deaf(times):
    """Run for ever, and lose the first cancellations, as asyncio.wait_for may."""
    for _ in range(times):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            continue
    await asyncio.Event().wait()


async def fails():
    try:
        await asyncio.Event().wait()
    finally:
        raise OSError("the socket was closed already")


def test_what_does_not_hear_that_it_is_to_end_is_told_again_and_one_that_fails_keeps_nobody_up():
    async def run():
        tasks = [asyncio.ensure_future(each) for each in (deaf(0), deaf(2), fails())]
        await asyncio.sleep(0)
        await _end(tasks)
        return [task.done() for task in tasks]

    assert asyncio.run(run()) == [True] * 3
