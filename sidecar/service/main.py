"""Runs the process, which loads the models that the environment names, and serves them."""

from __future__ import annotations

import logging
import os
import sys

from sidecar.service import logs
from sidecar.service.app import create_app
from sidecar.service.loading import open_engine
from sidecar.service.metrics import Metrics
from sidecar.service.report import Report
from sidecar.service.server import Server
from sidecar.service.settings import ConfigError, Settings
from sidecar.service.worker import Worker

JOIN_SECONDS = 2.0


def main() -> int:
    """Serves until a signal. Returns 0 after a normal stop, 1 after a failure, 2 if the environment is invalid."""
    logs.configure()
    try:
        settings = Settings.from_env()
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    metrics = Metrics()
    worker = Worker(lambda: open_engine(settings, metrics), settings.queue, metrics)
    report = Report(metrics.registry)
    server = Server(create_app(settings, worker, metrics), settings, worker, report)
    worker.start()
    try:
        server.run()
        code = server.exit_code
    except SystemExit:  # uvicorn raises it if it cannot listen
        code = 1
    worker.stop()
    report.write()
    if not worker.join(JOIN_SECONDS):
        # A thread that still loads or computes would crash while the interpreter shuts down.
        logging.shutdown()
        os._exit(code)
    return code
