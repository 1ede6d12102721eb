"""Write the book as one PDF and as one ePub, from what `make book` has executed and rendered.

    python book/print_book.py [--profile quick|full] [--output FOLDER]

For the PDF, an installed Chromium or Chrome prints each page of ``_build/html`` that the table of contents names, and
``print_pdf.py`` joins them. For the ePub, Sphinx's own builder reads what the site was rendered from; the formulas
become MathML, which MathJax, in the same browser, makes of their TeX (``print_epub.py``). Both are written to
``_build/print``, or to FOLDER, under a temporary name first.
"""

import argparse
import os
import sys
import time
from pathlib import Path

import build
import print_epub
import print_pdf
import print_site


def main(argv=None):
    """Write both files and print where they are; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--profile", default="quick", help="the profile that the site was built with")
    parser.add_argument("--output", default=str(build.ROOT / "_build" / "print"), help="the folder to write to")
    arguments = parser.parse_args(argv)
    try:
        print_book(arguments.profile, Path(arguments.output).resolve())
    except (build.BuildError, OSError) as error:
        print(f"print: FAILED: {error}", file=sys.stderr)
        return 1
    return 0


def print_book(profile, folder, writers=None):
    """Write the PDF and the ePub into a folder, a line with size and seconds for each.

    Parameters
    ----------
    profile : str
        The profile with which the site was built.
    folder : pathlib.Path
    writers : dict of str to callable, optional
        What writes a file of which ending; both without this.
    """
    print_site.require_site(profile)
    folder.mkdir(parents=True, exist_ok=True)
    with print_site.launched() as browser:
        for ending, write in (writers or {"pdf": print_pdf.write_pdf, "epub": print_epub.write_epub}).items():
            start, target = time.perf_counter(), folder / f"{build.PRINTED}.{ending}"
            part = target.with_suffix(f".part.{ending}")
            write(browser, profile, part)
            os.replace(part, target)
            size = target.stat().st_size / 1e6
            print(f"print: {target} ({size:.1f} MB, {time.perf_counter() - start:.0f} s)", flush=True)


if __name__ == "__main__":
    sys.exit(main())
