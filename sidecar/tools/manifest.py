"""`python -m sidecar.tools.manifest DIRECTORY...` hashes checkpoints once, so that starts need not hash them.

Run it after you have stored the weights and before they are served. It writes one small file to each directory.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from sidecar import checkpoint, manifest


def main() -> None:
    parser = argparse.ArgumentParser(description="write the hashes of checkpoints' weights next to them")
    parser.add_argument("directories", type=Path, nargs="+", metavar="directory")
    for directory in parser.parse_args().directories:
        print(manifest.write(directory, checkpoint.weight_files(directory)))


if __name__ == "__main__":
    main()
