"""PVs of the sample stage: motor records, and the range of the oscillation."""

from __future__ import annotations

from typing import Any, Final

from caproto import ChannelDouble
from caproto.server import PVGroup, SubGroup, pvproperty

from lics_simulators.iocs.channels import setting
from lics_simulators.iocs.instrument import InstrumentIOC
from lics_simulators.stage import ROTATION, TRANSLATION, Axis, AxisParameters, Stage
from lics_simulators.world import World

# Of fields of a motor record that are not in the unit of its positions (get_units of motorRecord.cc, EPICS motor).
UNITS_OF_FIELDS: Final = {
    **dict.fromkeys(("VELO", "BVEL", "VBAS"), "{unit}/sec"),
    **dict.fromkeys(("ACCL", "BACC"), "sec"),
    **dict.fromkeys(("S", "SBAS", "SBAK"), "rev/sec"),
    "UREV": "{unit}/rev",
}


async def _put_position(group: MotorIOC, instance: Any, value: float) -> float:
    return await group.move(float(value))


async def _put_stop(fields: Any, instance: Any, value: int) -> int:
    fields.parent.group.axis.stop()
    return 0


async def _put_velocity(fields: Any, instance: Any, value: float) -> None:
    if value <= 0.0:
        raise ValueError(f"{fields.parent.pvname}.VELO is {value} and must be above 0.")
    fields.parent.group.axis.velocity = float(value)


def _tweak(direction: float) -> Any:
    """Return what a put of the tweak buttons does: move by the step that ``.TWV`` says, and read 0 again."""

    async def put(fields: Any, instance: Any, value: int) -> int:
        if value:
            motor = fields.parent
            await motor.write(motor.value + direction * fields.tweak_step_size.value)
        return 0

    return put


def _motor(axis: AxisParameters, doc: str) -> pvproperty:
    motor = pvproperty(
        put=_put_position,
        name="",
        value=0.0,
        record="motor",
        precision=4,
        units=axis.unit,
        lower_ctrl_limit=axis.low,
        upper_ctrl_limit=axis.high,
        lower_disp_limit=axis.low,
        upper_disp_limit=axis.high,
        doc=doc,
    )
    motor.fields.stop.putter(_put_stop)
    motor.fields.velocity.putter(_put_velocity)
    motor.fields.tweak_motor_forward.putter(_tweak(1.0))
    motor.fields.tweak_motor_reverse.putter(_tweak(-1.0))
    return motor


class MotorIOC(PVGroup):
    """One motor record that shows an axis of the world.

    Parameters
    ----------
    prefix : str
        Name of the record.
    parent : StageIOC
        The stage, whose world holds the axis.
    axis : str
        Name of the axis in the world.
    """

    motor: Any

    def __init__(self, prefix: str, *, parent: StageIOC, axis: str, **kwargs: Any) -> None:
        self.stage = parent
        self.axis: Axis = parent.world.stage.axes[axis]
        super().__init__(prefix, parent=parent, **kwargs)

    async def move(self, target: float) -> float:
        """Move and return where the motor stopped: the put completes then, and VAL is that position."""
        fields = self.motor.field_inst
        await fields.done_moving_to_value.write(0)
        await fields.motor_is_moving.write(1)
        self.axis.move(target)
        while self.axis.is_moving:
            await self.stage.step()
        await self.show()
        await fields.motor_is_moving.write(0)
        await fields.done_moving_to_value.write(1)
        return self.axis.position

    async def prepare(self) -> None:
        """Fill the fields of the record from the axis."""
        fields, axis = self.motor.field_inst, self.axis.parameters
        await fields.velocity.write(axis.velocity)
        await fields.max_velocity.write(axis.velocity)
        await fields.engineering_units.write(axis.unit)
        await fields.display_precision.write(self.motor.precision)
        for name, field in self.motor.fields.items():
            if isinstance(field, ChannelDouble):
                unit = UNITS_OF_FIELDS.get(name, "{unit}").format(unit=axis.unit)
                await field.write_metadata(units=unit, precision=self.motor.precision)
        await fields.motor_step_size.write(1.0e-4)  # mm or deg: engineering value
        for limit in (fields.user_low_limit, fields.dial_low_limit):
            await limit.write(axis.low)
        for limit in (fields.user_high_limit, fields.dial_high_limit):
            await limit.write(axis.high)
        await fields.limit_violation.write(0)  # which caproto begins with 1: a motor beyond its limits
        await self.show()
        await fields.motor_is_moving.write(0)
        await fields.done_moving_to_value.write(1)

    async def show(self) -> None:
        """Publish the position if it changed."""
        fields = self.motor.field_inst
        position = round(self.axis.position, 4)
        if fields.user_readback_value.value != position:
            await fields.user_readback_value.write(position)
            await fields.dial_readback_value.write(position)


class TranslationIOC(MotorIOC):
    """A translation."""

    motor = _motor(TRANSLATION, "Translation of the sample")


class RotationIOC(MotorIOC):
    """A rotation."""

    motor = _motor(ROTATION, "Rotation of the sample")


class StageIOC(InstrumentIOC):
    """``$(P)STAGE:``."""

    SCAN_S = 0.1

    def __init__(self, prefix: str, *, world: World) -> None:
        super().__init__(f"{prefix}STAGE:", world=world)

    async def _put_oscillation(self, instance: Any, value: float) -> None:
        self.world.stage.oscillation_deg = float(value)

    x = SubGroup(TranslationIOC, prefix="x", axis="x")
    y = SubGroup(TranslationIOC, prefix="y", axis="y")
    z = SubGroup(TranslationIOC, prefix="z", axis="z")
    omega = SubGroup(RotationIOC, prefix="omega", axis="omega")
    OscRange = setting(
        "OscRange",
        value=0.0,
        low=0.0,
        high=Stage.MAX_OSCILLATION_DEG,
        precision=2,
        unit="deg",
        doc="Oscillation of omega during an exposure",
        put=_put_oscillation,
    )

    async def recall(self) -> None:
        """Show the oscillation that was set; the motors show where they are."""
        await self.show(self.OscRange, self.world.stage.oscillation_deg)

    async def prepare(self) -> None:
        """Fill the fields of the motor records."""
        for motor in (self.x, self.y, self.z, self.omega):
            await motor.prepare()

    async def scan(self) -> None:
        """Show where the motors are."""
        for motor in (self.x, self.y, self.z, self.omega):
            await motor.show()
