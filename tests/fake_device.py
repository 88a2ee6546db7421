"""Fakes of our devices, by ophyd's own: it knows its own signals, not those made of them."""

from ophyd.sim import FakeEpicsSignal, fake_device_cache, make_fake_device

from lics_beamline.devices.limited_signal import LimitedSignal

__all__ = ["make_fake_device"]


class FakeLimitedSignal(FakeEpicsSignal):
    """A setpoint with limits; (0, 0), which are none, until a test says others."""

    def __init__(self, *args, **options):
        super().__init__(*args, limits=True, **options)
        self.sim_set_limits((0, 0))


fake_device_cache[LimitedSignal] = FakeLimitedSignal
