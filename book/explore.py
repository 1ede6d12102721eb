"""The models behind the moving pictures: trains them, rounds their weights to 8 bits, writes them for the browser.

    python book/explore.py [--profile quick|full] [--out FOLDER]

`book/build.py` runs it after the chapters. Beside the data of each picture, which is a script, it
writes a drawing that stands in its place where scripts are off.
"""

import argparse
import sys
from pathlib import Path

import matplotlib

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))


def main(argv=None):
    """Make the files of each picture, and say how large they are and what the rounding costs."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--profile", default="quick")
    parser.add_argument("--out", type=Path, default=ROOT / "_build" / "explore")
    arguments = parser.parse_args(argv)
    matplotlib.use("agg")
    import explore_digits
    import explore_hero
    import explore_map

    from ae_toolkit import plots
    from ae_toolkit.book.chapter import PROFILES
    from ae_toolkit.data import datasets

    plots.use_style()
    data = datasets.load(PROFILES[arguments.profile])
    arguments.out.mkdir(parents=True, exist_ok=True)
    models, says = explore_map.make(data, arguments.profile, arguments.out)
    print(f"explore: {says}")
    print(f"explore: {explore_digits.make(data, arguments.profile, arguments.out)}")
    print(f"explore: {explore_hero.make(models['variational'], arguments.out)}")


if __name__ == "__main__":
    main()
