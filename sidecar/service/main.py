"""The process: load the models that the environment names, and serve them."""

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
    """Serve until a signal. 0: stopped in good order; 1: models, device or port failed; 2: the environment did."""
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
    except SystemExit:  # uvicorn's way to report that it could not listen
        code = 1
    worker.stop()
    report.write()
    if not worker.join(JOIN_SECONDS):
        # A thread that still loads or computes would crash in an interpreter that is being taken down around it.
        logging.shutdown()
        os._exit(code)
    return code
