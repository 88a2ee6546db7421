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

# What bash does at Tab, without a person: words and where the cursor is, then the function that was registered.
TAB = """
eval "$(lics completion bash)"
COMP_LINE="$1"; COMP_POINT=${#COMP_LINE}; COMP_TYPE=9; COMP_KEY=9
read -r -a COMP_WORDS <<< "$COMP_LINE"
[[ "$COMP_LINE" == *" " ]] && COMP_WORDS+=("")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
asked=$(complete -p lics | sed -E 's/.*-F ([^ ]+).*/\\1/')
"$asked" lics "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}" 2> /dev/null
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture
def tab(tmp_path, monkeypatch):
    """Press Tab in bash behind a command line; return what is offered."""
    if shutil.which("bash") is None:
        pytest.skip("there is no bash")
    lics = tmp_path / "bin" / "lics"
    lics.parent.mkdir()
    lics.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m lics_beamline "$@"\n')
    lics.chmod(0o755)
    path = f"{lics.parent}:{os.environ['PATH']}"

    def press(line):
        asked = ["bash", "-c", TAB, "bash", line]
        done = subprocess.run(
            asked, env={**os.environ, "PATH": path}, cwd=tmp_path, capture_output=True, text=True, check=True
        )
        return {word.strip() for word in done.stdout.splitlines() if word.strip()}

    return press


def test_verbs_options_names_and_runs_are_completed_in_bash(tab, tmp_path):
    data = DataFolder(tmp_path / "lics-data").make()
    with Journal(data.raw_journals) as journal:
        for name, doc in recorded.documents():
            journal(name, doc)
    uid = next(data.raw_journals.glob("*.jsonl")).stem
    assert {"monitor"} == tab("lics mon")
    assert {"--control", "--address", "--port"} <= tab("lics monitor --")
    assert {"bl10xu", "simulated"} <= tab("lics check --profile ")
    assert "lics-2015" in tab("lics dry-run li")
    assert {uid[:8], "last"} <= tab("lics show ")
    assert tab("lics show --data elsewhere la") == {"last"}


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
