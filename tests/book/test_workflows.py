"""The workflows and hooks: pinned to what was read, with no more rights than they need."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import build
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


# Which job of which workflow may do more than read, and what.
MORE = {
    "publish": {"deploy": {"pages": "write", "id-token": "write"}, "launch": {"contents": "write"}},
    "release": {"publish": {"id-token": "write"}},
}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_may_only_read_and_a_job_that_may_do_more_runs_nothing_of_the_project(path):
    workflow = yaml.safe_load(path.read_text())
    assert workflow["permissions"] == {"contents": "read"}
    more = {name: job["permissions"] for name, job in workflow["jobs"].items() if "permissions" in job}
    assert more == MORE.get(path.stem, {})
    for name, job in workflow["jobs"].items():
        run = "".join(step.get("uses", "") + step.get("run", "") for step in job["steps"])
        assert name not in more or not re.search(r"actions/checkout|setup-python|\bmake |\bpip |python ", run)
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


# ----------------------------------------------------------------- what is published

PUBLISH = yaml.safe_load((ROOT / ".github" / "workflows" / "publish.yml").read_text())


def commands(job):
    return "\n".join(
        step["run"] if "run" in step else f"uses: {step['uses']}" for step in PUBLISH["jobs"][job]["steps"]
    )


def test_only_what_was_replayed_is_rendered_and_published():
    done = commands("build")
    in_order = [
        "make execute PYTHON=python PROFILE=full", "make replay PYTHON=python PROFILE=full",
        "make book PYTHON=python PROFILE=full", "make print PYTHON=python PROFILE=full",
        "pip wheel", "make launch PYTHON=python PROFILE=full",
        'cp "dist/$wheel" _build/html/', "actions/upload-artifact", "actions/upload-pages-artifact",
    ]  # fmt: skip
    assert all(done.count(step) == 1 for step in in_order)
    places = [done.index(step) for step in in_order]
    assert places == sorted(places)
    assert PUBLISH["jobs"]["deploy"]["needs"] == "build"
    assert PUBLISH["jobs"]["launch"]["needs"] == "deploy"  # the wheel's address has to answer first


def test_it_is_published_from_a_tag_to_which_binder_leads():
    assert PUBLISH[True]["push"] == {"tags": ["v*"]}  # YAML reads the key `on` as true
    environment = PUBLISH["jobs"]["build"]["env"]
    assert environment["BOOK_REPOSITORY_BRANCH"] == "${{ github.ref_name }}"
    assert environment["BOOK_LAUNCH_BRANCH"] == "launch"


def test_the_commands_of_the_publisher_are_those_of_the_makefile():
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    asked_for = re.findall(
        r"\bmake ([a-z]+)", "".join(path.read_text() for path in WORKFLOWS if path.stem == "publish")
    )
    assert set(asked_for) == {"execute", "replay", "book", "print", "launch"} <= set(targets)


def test_what_is_printed_lies_where_the_site_says(monkeypatch):
    steps = [step.get("run", "") for step in PUBLISH["jobs"]["build"]["steps"]]
    rendered = [command for step in steps for command in step.splitlines() if re.search(r"make (book|print) ", command)]
    assert len(rendered) == 2
    assert all(command.startswith('BOOK_PRINT_URL="$BOOK_SITE_URL" make ') for command in rendered)
    (copied,) = re.findall(r"^cp (_build/print.*) _build/html/$", "\n".join(steps), re.MULTILINE)
    config = yaml.safe_load((ROOT / "_config.yml").read_text())
    monkeypatch.delenv("BOOK_PRINT_URL", raising=False)
    build._say_where_printed(config)
    assert "](" not in config["parse"]["myst_substitutions"]["printed"]  # no link without an address
    monkeypatch.setenv("BOOK_PRINT_URL", "https://example.org/book/")
    build._say_where_printed(config)
    links = re.findall(r"\]\(https://example.org/book/(.*?)\)", config["parse"]["myst_substitutions"]["printed"])
    assert [f"_build/print/{name}" for name in links] == copied.split()
    assert "{{ printed }}" in (ROOT / "book" / "reading.md").read_text()


def test_the_notebooks_replace_the_branch_that_colab_opens(tmp_path):
    repository, work = tmp_path / "repository.git", tmp_path / "work"
    git("init", "--quiet", "--bare", str(repository), at=tmp_path)
    for content in ("old", "new"):
        (work / "notebooks").mkdir(parents=True)
        (work / "notebooks" / "one.ipynb").write_text(content)
        address = "https://x-access-token:secret@example.org/someone/book.git"
        told = {
            "TOKEN": "secret", "GITHUB_SERVER_URL": "https://example.org", "GITHUB_REPOSITORY": "someone/book",
            "GITHUB_ACTOR": "someone", "GITHUB_REF_NAME": "v1.2.3", "GITHUB_SHA": content, "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"url.{repository.as_uri()}.insteadOf", "GIT_CONFIG_VALUE_0": address,
        }  # fmt: skip
        (script,) = [step["run"] for step in PUBLISH["jobs"]["launch"]["steps"] if "run" in step]
        subprocess.run(["bash", "-e", "-c", script], cwd=work, env=os.environ | told, check=True)
        shutil.rmtree(work)
    assert git("log", "--format=%s", "launch", at=repository) == "Notebooks of v1.2.3 (new)\n"
    assert git("ls-tree", "-r", "--name-only", "launch", at=repository) == "notebooks/one.ipynb\n"


def git(*arguments, at):
    return subprocess.run(["git", *arguments], cwd=at, capture_output=True, text=True, check=True).stdout


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
