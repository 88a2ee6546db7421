"""The table of `docs/how-well.md`, made from `figures.json`: ``python tests/benchmarks/figures.py`` writes it anew."""

import json
import math
from pathlib import Path

HERE = Path(__file__).resolve().parent
FIGURES = HERE / "figures.json"
PAGE = HERE.parents[1] / "docs" / "how-well.md"
ELSEWHERE = {  # what shows a figure that no benchmark does
    "campaign": "python -m tests.faults.campaign",
    "soak": "python -m tests.faults.soak --part recording",
}
HEAD = """# How well

| asked of | measured, on worlds and seeds never used for tuning | shown by `pytest -s tests/benchmarks/...` |
|---|---|---|
"""


def at_most(value, step):
    """Return a bound as people say it: rounded up to a whole step."""
    return f"{math.ceil(round(value / step, 9)) * step:.10g}"


def rows(kept):
    """Return what was asked and what was measured, by the name of the benchmark."""
    approach, heating, hunt, calibration = (kept[name] for name in ("approach", "heating", "hunt", "calibration"))
    plates, replay, paper = kept["plates"], kept["replay"], kept["paper_table"]
    yield (
        "approach to a pressure",
        f"{approach['within']} of {approach['targets']} targets of {approach['cells']} random cells within 0.05 GPa, "
        f"{approach['passed'] or 'none'} passed by more; median {approach['median_min']:.0f} min and "
        f"{approach['median_readings']:.0f} ruby readings (PI loop: {approach['pi_median_min']:.0f} min and "
        f"{approach['pi_median_readings']:.0f}, {approach['pi_passed_010']} passed by more than 0.1 GPa)",
        "approach",
    )
    yield (
        "heating",
        f"final pressure predicted from the first 20 K within {at_most(heating['median_gpa'], 0.01)} GPa (median); "
        f"5 GPa held within 0.1 GPa to 498 K in {heating['held']} of {heating['cells']}",
        "heating",
    )
    onset, dissociation = hunt["onset_within"], hunt["dissociation_within"]
    yield (
        "hunt",
        f"median threshold of onset and dissociation within 0.05 GPa in {min(onset, dissociation)} of {hunt['hunts']}",
        "hunt",
    )
    yield (
        "calibration",
        f"hidden distance within {at_most(calibration['worst_distance_um'], 1.0)} um, tilt within "
        f"{at_most(calibration['worst_tilt_deg'], 0.001)} deg, {calibration['found']} of {calibration['geometries']}",
        "calibration",
    )
    seeds = [found for name, found in plates.items() if name.startswith("seed_")]
    fading, ghost = (max(found[what] for found in seeds) for what in ("fading_percent", "ghost_percent"))
    yield (
        "plates",
        f"fading of an hour undone to {at_most(fading, 0.1)} %, ghosts to {at_most(ghost, 0.01)} %",
        "plates",
    )
    yield (
        "replay",
        f"{replay['ratio']:.1f} times the time of fabio and bare pyFAI; {replay['two_cores']:.1f} times as fast on two "
        "cores, the same to the last bit",
        "replay",
    )
    yield (
        "the paper's table",
        f"{paper['within_one_sigma']} of {paper['cells']} cells within one own standard deviation of the hidden truth",
        "paper_table",
    )
    lines = kept["line_list"]
    yield (
        "list of lines",
        f"{lines['found']:.1%} of the lines above 6 sigma of 200 drawn patterns listed; "
        f"{lines['expected']:.1%} is what anybody lists who asks for 5 sigma of what a fit can tell; "
        f"{lines['told_found']:.1%} of those that a fit tells at 6 sigma; false {lines['false']:.2%}",
        "line_list",
    )
    known = kept["known_phases"]
    yield (
        "known phases",
        f"{known['found']:.1%} of those that a counter could tell found in 200 drawn points, "
        f"{known['false'] or 'none'} found besides, {known['called_new'] or 'no'} known line called new; "
        f"68 % intervals of shares cover {known['shares_covered']:.0%} of them",
        "known_phases",
    )
    runs = kept["ten_thousand_runs"]
    questions = (("the last run", "last"), ("a search", "search"), ("a run", "open"), ("a table", "table"))
    kinds = ("embedded", "postgresql", "served")
    took = ", ".join(
        f"{what} " + " / ".join(f"{runs[f'{kind}_10000_{key}_s']:.2f}" for kind in kinds) for what, key in questions
    )
    yield (
        "ten thousand runs",
        f"processor in s, in files / in PostgreSQL / by a server of it: {took}; `lics runs` {runs['runs_10000_s']:.1f}",
        "ten_thousand_runs",
    )
    doors = {name.replace("_", " "): times for name, times in kept["import_time"].items() if name != "recorded"}
    yield (
        "opening of each door",
        "processor, in that of an interpreter that loads numpy: "
        + ", ".join(f"{name} {times:.1f}" for name, times in sorted(doors.items(), key=lambda each: each[1])),
        "import_time",
    )
    shown = kept["monitor"]
    yield (
        "live page",
        f"a point shown {shown['point_shown_median_s']:.1f} s (median) after it was reduced; a run of 1000 points "
        f"opened in {shown['page_again_s']:.1f} s; {shown['monitor_memory_mb']} MB. Processor of its server: "
        f"{shown['idle_server_percent']:.1f} % of one core while it looks at what is not new, and for what is new "
        f"{shown['monitor_percent_of_experiment']:.1f} % of the time of the experiment; that is "
        f"{shown['monitor_share_of_computing']:.0%} of all that a dry run at up to 300 times the speed of time "
        f"computes. Sweep, simulators and followers compute {shown['sweep_computing_ratio']:.2f} times as much as "
        "without a page",
        "monitor",
    )
    killed = kept.get("campaign")
    if killed is not None:
        both_dead = "engine+guard"  # then only the watchdog of the instruments is left, which has its own time
        others_s = max(seconds for what, seconds in killed["unsafe_s"].items() if what != both_dead)
        yield (
            "killed at random moments and resumed",
            f"{killed['kills']} kills of engine, guard, followers, instruments and pairs of them in {killed['sweeps']} "
            f"sweeps: {killed['measured_once']} of {killed['points_asked']} points measured once, "
            f"{killed['measured_twice'] or 'none'} twice, {killed['lost'] or 'none'} lost; "
            f"{killed['documents_lost'] or 'no'} document lost, {killed['breaches'] or 'no'} limit passed; safe within "
            f"{at_most(others_s, 0.1)} s, by the watchdog of the instruments where engine and guard died together "
            f"within {at_most(killed['unsafe_s'][both_dead], 0.1)} s; measuring again after "
            f"{killed['median_recovery_s']:.0f} s (median) on a busy computer",
            "campaign",
        )
    soak = kept["soak"]
    grown = ", ".join(
        f"{name} {soak['growth_percent'][key]:.1f} %"
        for name, key in (("recorder", "recorder"), ("live reduction", "reduce"), ("catalog", "catalog"))
    )
    yield (
        "a long run",
        f"memory of each process more at point {soak['last']} than at point {soak['first']}: {grown}; "
        f"{soak['more_handles'] or 'no'} more handles; no more computing a point",
        "soak",
    )
    safety = kept.get("safety_latency")
    if safety is not None:
        yield (
            "safety, by the wall clock of a quiet computer",
            f"command {at_most(safety['commanded_s'], 0.1)} s after a thermocouple breaks; all read back as safe "
            f"{at_most(max(safety['safe_after_sigkill_s'], safety['safe_after_sigstop_s']), 0.1)} s after the last "
            "sign of life of an engine that was killed or hangs",
            "safety_latency",
        )


def page():
    """Return the page as it follows from the figures."""
    kept = json.loads(FIGURES.read_text(encoding="utf-8"))
    lines = (
        f"| {asked} | {found} | `{ELSEWHERE.get(name, f'test_{name}.py')}` |\n" for asked, found, name in rows(kept)
    )
    return HEAD + "".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
