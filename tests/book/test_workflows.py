"""The workflows and hooks: pinned to what was read, with no more rights than they need."""

import re
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def constraints(name="constraints.txt"):
    """Return the versions that a list pins, by normalised name."""
    lines = [line for line in (ROOT / name).read_text().splitlines() if line and not line.startswith("#")]
    return {package.lower().replace("_", "-"): version for package, version in (line.split("==") for line in lines)}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_pinned_by_digest_with_their_version_beside(path):
    used = re.findall(r"uses: (.*)", path.read_text())
    assert used
    assert all(re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line) for line in used), used


def test_an_action_has_the_same_digest_everywhere():
    used = {line for path in WORKFLOWS for line in re.findall(r"uses: (.*)", path.read_text())}
    assert len({line.split("@")[0] for line in used}) == len(used)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_may_only_read_and_only_its_last_job_more(path):
    workflow = yaml.safe_load(path.read_text())
    assert workflow["permissions"] == {"contents": "read"}
    more = [name for name, job in workflow["jobs"].items() if "permissions" in job]
    assert more in ([], [list(workflow["jobs"])[-1]])
    for job in workflow["jobs"].values():
        assert "timeout-minutes" in job
        checkouts = [step for step in job["steps"] if step.get("uses", "").startswith("actions/checkout@")]
        assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_pre_commit_has_the_versions_of_the_constraints():
    revisions = {
        repository["repo"].rsplit("/", 1)[-1].removesuffix("-pre-commit"): repository.get("rev", "").lstrip("v")
        for repository in yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    }
    pinned = constraints()
    assert {name: revisions[name] for name in ("ruff", "codespell", "zizmor")} == {
        name: pinned[name] for name in ("ruff", "codespell", "zizmor")
    }


def test_the_oldest_versions_are_those_that_the_package_allows():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["tensorflow-cpu"]]
    lowest = dict(re.fullmatch(r"([\w-]+)>=([\d.]+)", each).groups() for each in wanted)
    oldest = constraints("constraints-oldest.txt")
    for name, version in lowest.items():
        assert f"{oldest[name.lower().replace('_', '-')]}.".startswith(f"{version}."), name


def test_tests_that_a_job_names_exist():
    named = {
        path for file in WORKFLOWS for path in re.findall(r"tests/[\w/.]+", file.read_text())
    } - {"tests/ae_toolkit/training/test_private_names.py"}  # fmt: skip
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []


# ------------------------------------------------------------------- a release's links


@pytest.fixture
def prepare(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / ".github"))
    import prepare_release

    yield prepare_release
    del sys.modules["prepare_release"]


def test_a_release_links_to_the_repository_that_publishes_it(prepare, tmp_path, monkeypatch):
    import tomllib

    (tmp_path / "ae_toolkit").mkdir()
    (tmp_path / "ae_toolkit" / "__init__.py").write_text('"""Text."""\n\n__version__ = "1.2.3"\n')
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    monkeypatch.setattr(prepare, "ROOT", tmp_path)
    monkeypatch.setenv("REPOSITORY", "https://example.org/someone/book/")
    monkeypatch.setenv("TAG", "v1.2.3")
    prepare.main()
    project = tomllib.loads((tmp_path / "pyproject.toml").read_text())["project"]
    assert project["urls"] == {
        "Source": "https://example.org/someone/book",
        "Issues": "https://example.org/someone/book/issues",
        "Changelog": "https://example.org/someone/book/blob/v1.2.3/CHANGELOG.md",
    }
    with pytest.raises(SystemExit, match=r"expected pyproject\.toml without \[project\.urls\]"):
        prepare.main()


def test_a_tag_of_another_version_is_refused(prepare, monkeypatch):
    monkeypatch.setenv("REPOSITORY", "https://example.org/someone/book")
    monkeypatch.setenv("TAG", "v99.0.0")
    with pytest.raises(SystemExit, match=r"expected the tag v[\d.]+, as .* says, got v99\.0\.0"):
        prepare.main()
