"""A process of the service with a fake engine: `python -m sidecar.tests.service.fake_service load|run FOLDER`.

When it loads, or when it runs a batch, it creates FOLDER/entered and waits until FOLDER/go exists.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from unittest import mock

from sidecar.protocol import Fault, Item, ItemAnswers
from sidecar.service import main as service
from sidecar.tests.service.fake_engine import FakeEngine


def main() -> int:
    phase, folder = sys.argv[1], Path(sys.argv[2])

    def hold(here: str) -> None:
        if here == phase:
            (folder / "entered").touch()
            while not (folder / "go").exists():
                time.sleep(0.01)

    class Held(FakeEngine):
        def run(self, items: Sequence[Item], stopping: Callable[[], bool] = lambda: False) -> list[ItemAnswers | Fault]:
            hold("run")
            return super().run(items, stopping)

    def open_engine(*_: object) -> FakeEngine:
        hold("load")
        return Held()

    with mock.patch.object(service, "open_engine", open_engine):
        return service.main()


if __name__ == "__main__":
    sys.exit(main())
