"""The engine answers items with the loaded models. It does not depend on capabilities or HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

from sidecar.batch import Batch
from sidecar.config import EngineConfig
from sidecar.images import Decoder, Pixels
from sidecar.observer import Observer
from sidecar.protocol import Fault, Item, ItemAnswers
from sidecar.runner import Runner
from sidecar.startup import load_all

OFF_REFERENCE = "off_reference"
"""Flag of a sample that the reference code cannot process: the sample does not have exactly one image, or a text
contains `<image>` or the name of a special token."""


class Engine:
    """Answers items with the loaded models.

    One thread calls `begin`. A second thread owns the device, and calls `compute` and `flush`. So a request is prepared
    while the previous request is computed.
    """

    def __init__(self, runners: Mapping[str, Runner], decoder: Decoder, observer: Observer) -> None:
        self._runners = dict(runners)
        self._decoder = decoder
        self._observer = observer

    @classmethod
    def load(cls, config: EngineConfig) -> Engine:
        """Loads the models. On a GPU it also compiles and warms up every pack length. Raises CheckpointError."""
        decoder = Decoder(config.threads, config.limits.pixels, config.observer)
        return cls(load_all(config), decoder, config.observer)

    @property
    def runners(self) -> dict[str, Runner]:
        """The runner of each loaded model, by the model's name."""
        return dict(self._runners)

    def models(self) -> dict[str, str]:
        """Returns the id of each loaded model. The id changes with everything that can change an answer."""
        return {name: runner.identity for name, runner in self._runners.items()}

    def advice(self) -> dict[str, int]:
        """Returns the recommended limits `batch` and `in_flight` for clients; empty if no model is loaded."""
        sizes = next((runner.sizes for runner in self._runners.values()), None)
        return {} if sizes is None else {"batch": sizes.batch, "in_flight": sizes.in_flight}

    def run(self, items: Sequence[Item], stopping: Callable[[], bool] = lambda: False) -> list[ItemAnswers | Fault]:
        """Answers every item, in order. An item that cannot be answered gets a fault.

        Within numeric tolerance, an answer depends only on its item. When `stopping` returns true, no further pass
        begins. An item that then lacks an answer gets the fault `stopping`.
        """
        batch = self.begin(items)
        self.compute(batch, stopping)
        self.flush()
        return batch.outcomes()

    def stream(self, requests: Iterable[Sequence[Item]]) -> Iterator[list[ItemAnswers | Fault]]:
        """Answers requests in order. Each request is prepared while the previous request is computed."""
        under_way: list[Batch] = []
        with ThreadPoolExecutor(1, thread_name_prefix="prepare") as pool:
            coming = None
            for items in chain(requests, [None]):
                following = None if items is None else pool.submit(self.begin, items)
                if coming is not None:
                    under_way.append(coming.result())
                    self.compute(under_way[-1])
                coming = following
                while under_way and under_way[0].done:
                    yield under_way.pop(0).outcomes()
        self.flush()
        yield from (batch.outcomes() for batch in under_way)

    def begin(self, items: Sequence[Item]) -> Batch:
        """Prepares a request: its tokens, its images and the plan of its passes. The device is not used."""
        failed: dict[int, Fault] = {}
        jobs = {name: runner.prepare(items, name, failed) for name, runner in self._runners.items()}
        for k, item in enumerate(items):
            missing = sorted({query.model for query in item.queries} - self._runners.keys())
            if missing:
                failed[k] = Fault(
                    "no_such_model", f"{', '.join(missing)} is not loaded here; loaded: {', '.join(self._runners)}"
                )
        pixels = self._pixels(items, failed)
        passes = {}
        for name, runner in self._runners.items():
            passes[name] = runner.plan([job for job in jobs[name] if job.item not in failed], pixels)
        flags = {k: self._flags(item) for k, item in enumerate(items) if k not in failed}
        return Batch(items, failed, flags, passes)

    def compute(self, batch: Batch, stopping: Callable[[], bool] = lambda: False) -> None:
        """Computes the passes of a request. Its rows of text may wait for rows of the next request, or for `flush`."""
        try:
            for name, runner in self._runners.items():
                runner.compute(batch, batch.passes[name], stopping)
        except Exception as error:
            batch.error = error
        batch.computed = True
        if batch.error is not None:
            for runner in self._runners.values():
                runner.forget(batch)
        else:
            left = {job.item for passes in batch.passes.values() for plan in passes for job, _ in plan.jobs}
            self._observer.samples(len(batch.items) - len(batch.failed) - len(left))
        batch.passes.clear()

    def flush(self) -> None:
        """Decodes all rows of text that wait."""
        for runner in self._runners.values():
            runner.flush()

    def _pixels(self, items: Sequence[Item], failed: dict[int, Fault]) -> dict[int, list[Pixels]]:
        pictures = self._decoder.start({k: item.images for k, item in enumerate(items) if k not in failed})
        decoded: dict[int, list[Pixels]] = {}
        for k in range(len(items)):
            if k in failed:
                continue
            if isinstance(found := pictures.of(k), Fault):
                failed[k] = found
            else:
                decoded[k] = found
        return decoded

    def _flags(self, item: Item) -> tuple[str, ...]:
        texts = [*item.pieces(), *(query.text for query in item.queries)]
        off = any(runner.tokens.off_reference(text) for runner in self._runners.values() for text in texts)
        return (OFF_REFERENCE,) if off or len(item.images) != 1 else ()
