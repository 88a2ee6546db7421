"""Tab in a shell: verbs, options, names of profiles and experiments, and the runs there are."""

import os
import shutil
import subprocess
import sys

import pytest
import recorded_documents as recorded

from lics_beamline.cli import main
from lics_beamline.data_folder import DataFolder
from lics_beamline.journal.writer import Journal

# What bash does at Tab, without a person: words and where the cursor is, then the function that was registered. Each
# start of lics costs half a second, so one shell is asked about all lines; what is offered ends with a line of its own.
TAB = """
eval "$(lics completion bash)"
asked=$(complete -p lics | sed -E 's/.*-F ([^ ]+).*/\\1/')
for COMP_LINE in "$@"; do
    COMP_POINT=${#COMP_LINE}; COMP_TYPE=9; COMP_KEY=9; COMPREPLY=()
    read -r -a COMP_WORDS <<< "$COMP_LINE"
    [[ "$COMP_LINE" == *" " ]] && COMP_WORDS+=("")
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    "$asked" lics "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}" 2> /dev/null
    printf '%s\\n' "${COMPREPLY[@]}" "THAT IS ALL"
done
"""
TAB_IN_FISH = """
lics completion fish | source
for line in $argv
    complete -C $line
    echo "THAT IS ALL"
end
"""


# What a person types into zsh, and what appears: the shell has a terminal of its own, and is read until it says that.
TAB_IN_ZSH = r"""
zmodload zsh/zpty
zpty -b shell zsh -f -i
zpty -w shell ". $3; print REA\"\"DY"
zpty -r shell said '*READY*'
zpty -n -w shell "$1"$'\t'
zpty -r shell said "*$~2*"
print -r -- "$said"
zpty -d shell
"""
HANGS_S = 240.0  # a shell that does not say it


@pytest.fixture
def shell(tmp_path):
    """Run a script in a shell, in which there is `lics`."""
    lics = tmp_path / "bin" / "lics"
    lics.parent.mkdir()
    lics.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m lics_beamline "$@"\n')
    lics.chmod(0o755)
    home = {"HOME": str(tmp_path), "ZDOTDIR": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    environment = {**os.environ, **home, "PATH": f"{lics.parent}:{os.environ['PATH']}", "TERM": "dumb"}

    def run(name, *arguments):
        if shutil.which(name) is None:
            pytest.skip(f"there is no {name}")
        asked = {"env": environment, "cwd": tmp_path, "capture_output": True, "text": True, "timeout": HANGS_S}
        return subprocess.run([name, *arguments], check=True, **asked).stdout

    return run


def answers(said):
    """Split what a shell said into what it offered for each line."""
    return [part.splitlines() for part in said.split("THAT IS ALL\n")[:-1]]


def test_verbs_options_names_and_runs_are_completed_in_bash(shell, tmp_path):
    data = DataFolder(tmp_path / "lics-data").make()
    with Journal(data.raw_journals) as journal:
        for name, doc in recorded.documents():
            journal(name, doc)
    uid = next(data.raw_journals.glob("*.jsonl")).stem
    lines = ("mon", "monitor --", "check --profile ", "dry-run li", "show ", "show --data elsewhere la")
    said = answers(shell("bash", "-c", TAB, "bash", *(f"lics {line}" for line in lines)))
    verbs, options, profiles, experiments, runs, elsewhere = ({word.strip() for word in each} - {""} for each in said)
    assert verbs == {"monitor"}
    assert {"--control", "--address", "--port"} <= options
    assert {"bl10xu", "simulated"} <= profiles
    assert "lics-2015" in experiments
    assert {uid[:8], "last"} <= runs
    assert elsewhere == {"last"}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_is_given_what_it_runs(shell, capsys):
    assert main(["completion", shell]) == 0
    said = capsys.readouterr().out
    assert "lics" in said
    assert "_ARGCOMPLETE" in said


def test_a_shell_that_is_not_known_is_refused(capsys):
    with pytest.raises(SystemExit):
        main(["completion", "csh"])
    assert "bash" in capsys.readouterr().err


def test_fish_offers_verbs_options_with_their_help_names_and_runs(shell, tmp_path):
    data = DataFolder(tmp_path / "lics-data").make()
    with Journal(data.raw_journals) as journal:
        for name, doc in recorded.documents():
            journal(name, doc)
    uid = next(data.raw_journals.glob("*.jsonl")).stem

    lines = ("mon", "monitor --con", "check --profile ", "dry-run li", "show ")
    said = answers(shell("fish", "-c", TAB_IN_FISH, *(f"lics {line}" for line in lines)))
    offered = [dict(word.partition("\t")[::2] for word in each) for each in said]
    verbs, options, profiles, experiments, runs = offered
    assert list(verbs) == ["monitor"]
    assert "token" in options["--control"]
    assert {"bl10xu", "simulated"} <= set(profiles)
    assert "lics-2015" in experiments
    assert {uid[:8], "last"} <= set(runs)


@pytest.mark.parametrize(
    ("line", "appears"),
    [
        ("lics mon", "lics monitor"),
        ("lics monitor --con", "lics monitor --control"),
        ("lics check --profile sim", "--profile simulated"),
        ("lics dry-run lics-20", "lics dry-run lics-2015"),
    ],
)
def test_zsh_completes_what_is_typed_though_nobody_has_switched_its_completion_on(
    shell, capsys, tmp_path, line, appears
):
    assert main(["completion", "zsh"]) == 0
    given = tmp_path / "completion.zsh"
    given.write_text(capsys.readouterr().out)
    assert appears in shell("zsh", "-f", "-c", TAB_IN_ZSH, "zsh", line, appears, str(given)).replace("\r", "")
