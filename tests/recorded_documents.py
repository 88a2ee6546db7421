"""A small raw run as documents: a step up, a heating step, what was decided and what failed."""

import math

import numpy as np

PATH = [
    {"kind": "hold", "name": "as loaded", "temperature_k": 298.0, "count": 1, "wait_s": 0.0, "until": None},
    {
        "kind": "pressure",
        "name": "298 K upstroke",
        "stroke": "upstroke",
        "temperature_k": 298.0,
        "pressures_gpa": [1.0, 2.0],
        "until": None,
    },
]
STREAMS = ("baseline", "approach", "heating", "primary", "readout", "decisions", "failure", "holds")
PIXELS = 64


def start(**changed):
    return {
        "uid": "raw-0123",
        "time": 1000.0,
        "purpose": "sweep",
        "title": "a title",
        "operator": "somebody",
        "sample": {"name": "Li-Cs"},
        "path": PATH,
        "points": 3,
        "speed": 1.0,
        "wavelength_angstrom": 0.41373,
    } | changed


def ruby(pressure_gpa):
    axis = np.linspace(690.0, 700.0, PIXELS)
    return {
        "ruby_wavelength_nm": axis,
        "ruby_spectrum": 500.0 + 1000.0 * np.exp(-(((axis - 695.0) / 0.3) ** 2)),
        "pressure_gpa": pressure_gpa,
        "pressure_sigma_gpa": 0.003,
        "pressure_systematic_gpa": 0.004,
        "ruby_r1_nm": 694.25 + 0.365 * pressure_gpa,
        "ruby_r1_sigma_nm": 0.001,
        "ruby_temperature_k": 298.2,
        "thermocouples_gasket_k": 298.5,
        "membrane_load_bar": 10.0 * pressure_gpa,
    }


def place(index, at_s):
    return {"experiment_time_s": at_s, "point_index": index, "leg": "298 K upstroke", "stroke": "upstroke"}


def approach(pressure_gpa, at_s, *, index=1, target=1.0, phase="approach"):
    return (
        "approach",
        {
            **place(index, at_s),
            **ruby(pressure_gpa),
            "target_pressure_gpa": target,
            "gain_gpa_per_bar": 0.2,
            "gain_error": 0.1,
            "ending_pressure_gpa": pressure_gpa + 0.1,
            "next_load_bar": 12.0,
            "phase_of_approach": phase,
        },
    )


def heating(pressure_gpa, at_s, *, index=1):
    return (
        "heating",
        {
            **place(index, at_s),
            **ruby(pressure_gpa),
            "target_temperature_k": 340.0,
            "target_pressure_gpa": math.nan,
            "final_pressure_gpa": 2.5,
            "final_sigma_gpa": 0.2,
            "next_load_bar": 20.0,
            "phase_of_heating": "ramp",
            "decided": "goes on: the forecast lies inside the envelope",
        },
    )


def primary(pressure_gpa, at_s, *, index=0, asked=math.nan):
    data = {
        **place(index, at_s),
        **ruby(pressure_gpa),
        "requested_pressure_gpa": asked,
        "requested_temperature_k": 298.0,
        "exposure_uid": f"e{index}",
        "exposure_s": 120.0,
    }
    return "primary", data


def readout(index, at_s):
    data = {"experiment_time_s": at_s, "point_index": index, "exposure_uid": f"e{index}"}
    return "readout", data | {"frame_path": f"plates/{index:06d}.osc"}


def failure(index, at_s, reason):
    data = {"experiment_time_s": at_s, "point_index": index, "exposure_uid": f"e{index}"}
    return "failure", data | {"reason": reason, "plate": 1}


def decision(index, at_s, choice):
    return "decisions", {**place(index, at_s), "choice": choice}


def hold(at_s, did="held"):
    return (
        "holds",
        {
            "experiment_time_s": at_s,
            "hold_did": did,
            "hold_who": "Ada",
            "hold_why": "look at the gasket",
            "hold_load_bar": 10.0,
            "hold_gasket_k": 298.5,
        },
    )


EVENTS = (
    primary(0.1, 100.0),
    readout(0, 160.0),
    approach(0.5, 200.0),
    approach(0.9, 300.0, phase="settle"),
    hold(350.0),
    primary(1.0, 400.0, index=1, asked=1.0),
    readout(1, 460.0),
    decision(1, 470.0, "goes on: alloy 0.20 of 0.95"),
    failure(2, 500.0, "the plate reader did not answer for 60 s"),
)


def documents(events=EVENTS, *, stop=True, began=1000.0, **changed):
    """Documents of the run; each event ten seconds of wall clock after the one before."""
    first = start(time=began, **changed)
    uid = first["uid"]
    yield "start", first
    for stream in STREAMS:
        yield "descriptor", {"uid": f"{uid}-{stream}", "run_start": uid, "time": began, "name": stream, "data_keys": {}}
    numbers = dict.fromkeys(STREAMS, 0)
    for count, (stream, data) in enumerate(events, start=1):
        numbers[stream] += 1
        yield (
            "event",
            {
                "uid": f"{uid}-{count}",
                "descriptor": f"{uid}-{stream}",
                "seq_num": numbers[stream],
                "time": began + 10.0 * count,
                "data": data,
                "timestamps": dict.fromkeys(data, began),
                "filled": {},
            },
        )
    if stop:
        yield (
            "stop",
            {"uid": f"{uid}-stop", "run_start": uid, "time": 2000.0, "exit_status": "success", "num_events": numbers},
        )
