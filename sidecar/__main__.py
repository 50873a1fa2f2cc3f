"""`python -m sidecar`: load the models that the environment names, and serve them."""

from __future__ import annotations

import logging
import os
import sys

from sidecar import logs
from sidecar.app import create_app
from sidecar.config import ConfigError, Settings
from sidecar.loading import open_engine
from sidecar.metrics import Metrics
from sidecar.server import Server
from sidecar.worker import Worker

JOIN_SECONDS = 2.0


def main() -> int:
    """Serve until a signal. 0: stopped in good order; 1: models, device or port failed; 2: the environment did."""
    logs.configure()
    try:
        settings = Settings.from_env()
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    metrics = Metrics()
    worker = Worker(lambda: open_engine(settings, metrics), settings.queue, metrics)
    server = Server(create_app(settings, worker, metrics), settings, worker)
    worker.start()
    try:
        server.run()
        code = server.exit_code
    except SystemExit:  # how uvicorn tells that it could not listen
        code = 1
    worker.stop()
    if not worker.join(JOIN_SECONDS):
        # A thread that still loads or computes would crash in an interpreter that is being taken down around it.
        logging.shutdown()
        os._exit(code)
    return code


if __name__ == "__main__":
    sys.exit(main())
