"""`python -m sidecar` serves the models that the environment names."""

from __future__ import annotations

import sys

from sidecar.service.main import main

if __name__ == "__main__":
    sys.exit(main())
