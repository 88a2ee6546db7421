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


# What a person types into zsh, and what appears: the shell has a terminal of its own, and is read until it says that.
TAB_IN_ZSH = r"""
zmodload zsh/zpty
zpty -b shell zsh -f -i
zpty -w shell 'eval "$(lics completion zsh)"; print REA""DY'
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


@pytest.fixture
def tab(shell):
    """Press Tab in bash behind a command line; return what is offered."""

    def press(line):
        said = shell("bash", "-c", TAB, "bash", line)
        return {word.strip() for word in said.splitlines() if word.strip()}

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


def test_fish_offers_verbs_options_with_their_help_names_and_runs(shell, tmp_path):
    data = DataFolder(tmp_path / "lics-data").make()
    with Journal(data.raw_journals) as journal:
        for name, doc in recorded.documents():
            journal(name, doc)
    uid = next(data.raw_journals.glob("*.jsonl")).stem

    def offered(line):
        said = shell("fish", "-c", 'lics completion fish | source; complete -C "$argv[1]"', line)
        return dict(each.partition("\t")[::2] for each in said.splitlines())

    assert list(offered("lics mon")) == ["monitor"]
    assert "token" in offered("lics monitor --con")["--control"]
    assert {"bl10xu", "simulated"} <= set(offered("lics check --profile "))
    assert "lics-2015" in offered("lics dry-run li")
    assert {uid[:8], "last"} <= set(offered("lics show "))


@pytest.mark.parametrize(
    ("line", "appears"),
    [
        ("lics mon", "lics monitor"),
        ("lics monitor --con", "lics monitor --control"),
        ("lics check --profile sim", "--profile simulated"),
        ("lics dry-run lics-20", "lics dry-run lics-2015"),
    ],
)
def test_zsh_completes_what_is_typed_though_nobody_has_switched_its_completion_on(shell, line, appears):
    assert appears in shell("zsh", "-f", "-c", TAB_IN_ZSH, "zsh", line, appears).replace("\r", "")
