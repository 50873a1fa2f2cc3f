"""uvicorn with a drain: on SIGTERM the running batch finishes and is answered; the rest is refused with 503."""

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

# Above the 90 s after which Go's client drops an idle connection: a server that closes first resets a POST on its way.
KEEP_ALIVE_SECONDS = 120
LAST_BYTES_SECONDS = 10


class Server(uvicorn.Server):
    """Serves until a signal, or until the worker has failed; `exit_code` is the process's: 0, or 1 after a failure."""

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
        # Only a number is touched here: a handler runs between any two instructions, also while a lock is held.
        self._signals += 1

    async def on_tick(self, counter: int) -> bool:
        """Called by uvicorn ten times a second; True ends the serving."""
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
            log.info("stopping: the running batch finishes, the rest is refused")
            self._worker.stop()
        if self._worker.idle:
            return True
        if self._signals > 1 or now - self._stopping_since > self._grace:
            log.error("stopping: the running batch is abandoned")
            self.exit_code = 1
            self.force_exit = True
            return True
        return False
