"""The environment's maker: says what it reuses, starts again what was interrupted, refuses an old Python."""

import json
import subprocess
import sys
from pathlib import Path

import bootstrap
import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with the files an installation depends on, where no command is really run."""
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    (tmp_path / "constraints.txt").write_text("numpy==2\n")
    commands = []

    def run(command, doing):
        commands.append(command)
        if "venv" in command:
            (tmp_path / ".venv").mkdir()

    monkeypatch.setattr(bootstrap, "ROOT", str(tmp_path))
    monkeypatch.setattr(bootstrap, "run", run)
    monkeypatch.setattr(sys, "argv", ["bootstrap.py"])
    return tmp_path, commands


def test_second_run_installs_nothing_and_says_so(project, capsys):
    _, commands = project
    bootstrap.main()
    assert [command[2] for command in commands] == ["venv", "pip"]
    assert "--constraint" in commands[1]
    commands.clear()
    capsys.readouterr()
    bootstrap.main()
    assert commands == []
    assert "reusing .venv" in capsys.readouterr().out


def test_changed_dependencies_are_installed_into_the_same_environment(project):
    folder, commands = project
    bootstrap.main()
    commands.clear()
    (folder / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    bootstrap.main()
    assert [command[2] for command in commands] == ["pip"]


def test_an_interrupted_installation_is_started_again(project, monkeypatch):
    folder, commands = project

    def interrupted(command, doing):
        if "pip" in command:
            raise KeyboardInterrupt
        (folder / ".venv").mkdir()
        (folder / ".venv" / "half").touch()

    with monkeypatch.context() as context:
        context.setattr(bootstrap, "run", interrupted)
        with pytest.raises(KeyboardInterrupt):
            bootstrap.main()
    bootstrap.main()
    assert not (folder / ".venv" / "half").exists()
    assert [command[2] for command in commands] == ["venv", "pip"]


def test_an_environment_of_another_place_is_not_reused(project):
    folder, commands = project
    bootstrap.main()
    record = folder / ".venv" / "installed.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"root": "/elsewhere"}))
    commands.clear()
    bootstrap.main()
    assert [command[2] for command in commands] == ["venv", "pip"]


@pytest.mark.parametrize("version", [(3, 10, 4), (3, 14, 0), (2, 7, 18)])
def test_other_pythons_are_refused_in_one_line(monkeypatch, version):
    monkeypatch.setattr(sys, "version_info", version)
    with pytest.raises(SystemExit, match=r"expected Python 3\.11 to 3\.13, got .*PYTHON="):
        bootstrap.check_python()


def test_missing_constraints_are_named(project, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["bootstrap.py", "--constraints", "nothing.txt"])
    with pytest.raises(SystemExit, match=r"nothing\.txt"):
        bootstrap.main()


def test_a_failing_installation_ends_with_its_status():
    with pytest.raises(SystemExit, match="trying failed with status 7"):
        bootstrap.run([sys.executable, "-c", "raise SystemExit(7)"], "trying")


def test_an_old_python_can_at_least_read_the_file():
    # No syntax newer than Python 3.6, or the message above could not be printed.
    import ast

    ast.parse((ROOT / "book" / "bootstrap.py").read_text(), feature_version=(3, 6))


def test_the_lists_of_versions_name_no_address():
    listed = (ROOT / "constraints.txt").read_text() + (ROOT / "environment.yml").read_text()
    assert "://" not in listed
    pinned = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if line and line[0] != "#"]
    assert all(line.count("==") == 1 for line in pinned)


def test_the_gate_calls_the_two_commands():
    lines = (ROOT / ".ci" / "run").read_text().splitlines()
    assert lines[-2:] == ["make book", "make test"]
    assert subprocess.run(["bash", "-n", ROOT / ".ci" / "run"], check=False).returncode == 0


def test_binder_installs_extras_that_exist():
    import tomllib

    import yaml

    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    (pip,) = [
        entry["pip"]
        for entry in yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
        if isinstance(entry, dict)
    ]
    (own,) = [line for line in pip if line.startswith("-e .")]
    asked_for = own.split("[")[1].rstrip("]").split(",")
    assert "tensorflow-cpu" in asked_for
    assert set(asked_for) <= set(extras)
