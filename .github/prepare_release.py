"""Check a release's tag against the package's version and write the project's links into ``pyproject.toml``.

    TAG=v1.2.3 REPOSITORY=https://example.org/someone/project python .github/prepare_release.py

The release workflow runs it before the build, in a checkout that is thrown away; a
repository does not know its own address, so that the links cannot stand in the file.
"""

import os
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main():
    """Exit with one line if the tag is not the version's; otherwise add the links."""
    tag, repository = os.environ["TAG"], os.environ["REPOSITORY"].rstrip("/")
    version = re.search(r'^__version__ = "(.+)"', (ROOT / "ae_toolkit" / "__init__.py").read_text(), re.MULTILINE)[1]
    if tag != f"v{version}":
        sys.exit(f"release: expected the tag v{version}, as ae_toolkit/__init__.py says, got {tag}")
    path = ROOT / "pyproject.toml"
    path.write_text(with_links(path.read_text(), repository, tag))


def with_links(text, repository, tag):
    """Return the text of ``pyproject.toml`` with the table of links, which must not be there yet.

    Examples
    --------
    >>> print(with_links("[project]", "https://example.org/a/b", "v1.0.0"))
    [project]
    <BLANKLINE>
    [project.urls]
    Source = "https://example.org/a/b"
    Issues = "https://example.org/a/b/issues"
    Changelog = "https://example.org/a/b/blob/v1.0.0/CHANGELOG.md"
    <BLANKLINE>
    """
    if "[project.urls]" in text:
        sys.exit("release: expected pyproject.toml without [project.urls], which are written here, got it with them")
    links = {
        "Source": repository,
        "Issues": f"{repository}/issues",
        "Changelog": f"{repository}/blob/{tag}/CHANGELOG.md",
    }
    lines = "".join(f'{name} = "{address}"\n' for name, address in links.items())
    return f"{text.rstrip()}\n\n[project.urls]\n{lines}"


if __name__ == "__main__":
    main()
