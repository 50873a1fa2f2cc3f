"""Runs uvicorn. After SIGTERM, the running batch is finished and answered, and other requests are refused with 503."""

from __future__ import annotations

import logging
import time
from types import FrameType

import uvicorn
from fastapi import FastAPI

from sidecar.service.report import Report
from sidecar.service.settings import Settings
from sidecar.service.worker import Worker

log = logging.getLogger(__name__)

# Go's client closes an idle connection after 90 s. The server must not close it first: it could reset a POST that the
# client is sending.
KEEP_ALIVE_SECONDS = 120
LAST_BYTES_SECONDS = 10


class Server(uvicorn.Server):
    """Serves until a signal, or until the worker has failed. `exit_code` is then 0, or 1 after a failure."""

    def __init__(self, app: FastAPI, settings: Settings, worker: Worker, report: Report) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                host=settings.host,
                port=settings.port,
                lifespan="off",
                log_config=None,
                access_log=False,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=LAST_BYTES_SECONDS,
            )
        )
        self.exit_code = 0
        self._worker = worker
        self._report = report
        self._grace = settings.grace_seconds
        self._signals = 0
        self._stopping_since: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # This only changes a number, because a signal handler can run between any two instructions, even while a thread
        # holds a lock.
        self._signals += 1

    async def on_tick(self, counter: int) -> bool:
        """uvicorn calls this ten times a second. Returns True to end the server."""
        self._report.tick()
        if await super().on_tick(counter):
            return True
        if self._worker.state == "failed" and self._worker.idle:
            log.error("stopping: the worker has failed")
            self.exit_code = 1
            return True
        if self._signals == 0:
            return False
        now = time.monotonic()
        if self._stopping_since is None:
            self._stopping_since = now
            log.info("stopping: the running batch is finished, other requests are refused")
            self._worker.stop()
        if self._worker.idle:
            return True
        if self._signals > 1 or now - self._stopping_since > self._grace:
            log.error("stopping: the running batch is abandoned")
            self.exit_code = 1
            self.force_exit = True
            return True
        return False
