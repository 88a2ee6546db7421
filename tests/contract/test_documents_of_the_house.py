"""The documents say what the program does: commands, links, examples, reference."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from documented import DOCS, ROOT, commands, files, pages

from lics_beamline.cli import parser

LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#]+)(?:#[^)]*)?\)")
AT_THE_ROOT = {
    *("CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "README.md", "pyproject.toml"),
    *("docs", "lics_beamline", "profiles", "simulators", "tests"),
}
EVERY_COMMAND = [
    pytest.param(command.words, id=f"{page.stem}: {command.line}") for page in pages() for command in commands(page)
]


@pytest.mark.parametrize("words", EVERY_COMMAND)
def test_every_command_shown_is_one_that_the_command_line_takes(words):
    assert words[0] == "lics"
    if "--help" in words:
        words = [word for word in words if word != "--help"]
    assert parser().parse_args(words[1:]).verb == words[1]


def test_every_verb_has_a_page_that_shows_it():
    verbs = parser()._subparsers._group_actions[0].choices
    shown = {command.words[1] for page in (DOCS / "how-to").glob("*.md") for command in commands(page)}
    assert set(verbs) - shown == set()


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_between_pages_lead_somewhere(page):
    made = (DOCS / "reference" / "generated").resolve()
    targets = [(page.parent / target).resolve() for target in LINK.findall(page.read_text(encoding="utf-8"))]
    lost = [target for target in targets if not target.exists() and not target.is_relative_to(made)]
    assert lost == []


def test_nothing_else_is_kept_at_the_root():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("this tree is of no repository")
    kept = {Path(line).parts[0] for line in listed.stdout.splitlines()}
    assert {name for name in kept if not name.startswith(".")} == AT_THE_ROOT


def test_the_readme_holds_on_one_screen():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 60


@pytest.fixture
def reference(monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS))
    before = set(sys.modules)
    import _reference

    yield _reference
    for name in set(sys.modules) - before:
        if name.split(".")[0] == "_reference":
            del sys.modules[name]


def test_every_link_to_a_made_page_names_one_that_is_made(reference):
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages())
    linked = set(re.findall(r"generated/([\w-]+)", text))
    assert linked == set(reference.PAGES)


@pytest.mark.parametrize("name", ["profile", "recipe", "experiment", "errors", "rules", "documents", "pvs"])
def test_the_reference_says_what_each_thing_means(reference, name):
    lines = reference.PAGES[name]().splitlines()
    rows = [line for line in lines if line.startswith("| ") and not line.startswith(("| --- ", "| key ", "| field "))]
    without = [row for row in rows if row.endswith("|  |")]
    assert len(rows) > 10
    assert without == []


def test_the_reference_of_pvs_has_every_pv_that_the_devices_want(reference):
    from lics_beamline.devices.beamline import Beamline

    page = reference.PAGES["pvs"]()
    for name in Beamline.__dataclass_fields__:
        assert f"\n## {name}\n" in page
    for suffix in ("Pressure_RBV", "RBV_pvTemp", "Ti1", "image1:ArrayData", "Acquire", "Shutter_RBV", "omega"):
        assert f"| `{suffix}`" in page


def test_a_build_leaves_pages_alone_that_say_the_same(reference, tmp_path, monkeypatch):
    monkeypatch.setattr(reference, "PAGES", {"errors": reference.PAGES["errors"]})
    reference.write_reference(tmp_path)
    first = (tmp_path / "errors.md").stat().st_mtime_ns
    reference.write_reference(tmp_path)
    assert (tmp_path / "errors.md").stat().st_mtime_ns == first


def test_the_phase_and_the_recipe_of_another_sample_can_be_read(tmp_path):
    from lics_beamline.profile import shipped
    from lics_beamline.reduction.recipe import read_recipe

    for name, text in files(DOCS / "how-to" / "sample.md").items():
        (tmp_path / name).write_text(text)
    (tmp_path / "geometry.poni").write_text((shipped() / "simulated" / "geometry.poni").read_text())
    recipe = read_recipe(tmp_path / "csi.toml")
    phase = recipe.phases[0]
    assert phase.name == "csi-b2"
    assert phase.expected(5.0, 298.0).a_angstrom == pytest.approx(4.2, abs=0.1)


def test_the_world_of_another_sample_can_be_read(tmp_path):
    from lics_simulators.preset import read_preset

    path = tmp_path / "stiff-kcl.toml"
    path.write_text(files(DOCS / "how-to" / "sample.md")["stiff-kcl.toml"])
    assert read_preset(path).contents.forward_gpa == pytest.approx(2.4)


def test_the_mixture_of_another_sample_is_a_world(tmp_path):
    from lics_simulators.preset import read_preset
    from lics_simulators.world import World

    path = tmp_path / "two-phases.toml"
    path.write_text(files(DOCS / "how-to" / "sample.md")["two-phases.toml"])
    made = World(seed=1, preset=read_preset(path)).sample_state()
    assert {phase.phase for phase in made.phases} == {"re-hcp", "cs-bcc", "li-bcc"}


def test_every_shipped_world_and_experiment_is_in_the_lists_of_the_dry_run():
    from lics_beamline.profile import shipped
    from lics_simulators.preset import preset_names

    page = (DOCS / "how-to" / "dry-run.md").read_text()
    experiments = {path.stem for path in (shipped() / "simulated" / "experiments").glob("*.toml")}
    assert [name for name in (*preset_names(), *experiments) if f"`{name}`" not in page] == []


def test_a_copy_of_the_real_beamline_s_profile_is_a_profile(tmp_path):
    import shutil

    from lics_beamline.profile import read_profile, shipped
    from lics_beamline.reduction.recipe import read_recipe

    shutil.copytree(shipped() / "bl10xu", tmp_path / "mybeamline")
    profile = read_profile(str(tmp_path / "mybeamline"))
    assert profile.experiments == Path(tmp_path / "mybeamline" / "experiments")
    assert read_recipe(profile.recipe_file).geometry.wavelength_angstrom > 0.0
