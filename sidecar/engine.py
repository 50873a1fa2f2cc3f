"""The engine: items in, answers out. It knows models and queries, and nothing of capabilities or HTTP."""

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
"""Flag of a sample that the reference code does not have: special-token text, `<image>` as text, no image, several."""


class Engine:
    """Answers items with the loaded models.

    `begin` is for one thread, `compute` and `flush` for another, which owns the device: the first prepares a request
    while the second computes the one before it.
    """

    def __init__(self, runners: Mapping[str, Runner], decoder: Decoder, observer: Observer) -> None:
        self._runners = dict(runners)
        self._decoder = decoder
        self._observer = observer

    @classmethod
    def load(cls, config: EngineConfig) -> Engine:
        """Load the models, and on a GPU compile and warm up every pack length. Raises CheckpointError."""
        decoder = Decoder(config.threads, config.limits.pixels, config.observer)
        return cls(load_all(config), decoder, config.observer)

    @property
    def runners(self) -> dict[str, Runner]:
        """Each loaded model at work."""
        return dict(self._runners)

    def models(self) -> dict[str, str]:
        """Id of each loaded model: changes with all that can change an answer."""
        return {name: runner.identity for name, runner in self._runners.items()}

    def advice(self) -> dict[str, int]:
        """What clients should send, by the names of limits."""
        sizes = next((runner.sizes for runner in self._runners.values()), None)
        return {} if sizes is None else {"batch": sizes.batch, "in_flight": sizes.in_flight}

    def run(self, items: Sequence[Item], stopping: Callable[[], bool] = lambda: False) -> list[ItemAnswers | Fault]:
        """Answer every item, in order; an item that cannot be answered has the fault that is its own.

        An answer depends on its item alone, within numeric tolerance. No pass begins after `stopping` is true: items
        that have no answers by then have the fault `stopping`.
        """
        batch = self.begin(items)
        self.compute(batch, stopping)
        self.flush()
        return batch.outcomes()

    def stream(self, requests: Iterable[Sequence[Item]]) -> Iterator[list[ItemAnswers | Fault]]:
        """Answer requests in order, each prepared while the one before it computes."""
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
        """Prepare a request: tokens, images, and how they lie in passes. The device is not touched."""
        failed: dict[int, Fault] = {}
        jobs = {name: runner.prepare(items, name, failed) for name, runner in self._runners.items()}
        for k, item in enumerate(items):
            missing = sorted({query.model for query in item.queries} - self._runners.keys())
            if missing:
                failed[k] = Fault(
                    "no_such_model", f"{', '.join(missing)} is not loaded here, only {', '.join(self._runners)}"
                )
        pixels = self._pixels(items, failed)
        passes = {}
        for name, runner in self._runners.items():
            passes[name] = runner.lay([job for job in jobs[name] if job.item not in failed], pixels)
        flags = {k: self._flags(item) for k, item in enumerate(items) if k not in failed}
        return Batch(items, failed, flags, passes)

    def compute(self, batch: Batch, stopping: Callable[[], bool] = lambda: False) -> None:
        """Make a request's passes. Its rows of text may wait for those of the next request, or for `flush`."""
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
            left = {job.item for passes in batch.passes.values() for laid in passes for job, _ in laid.ready}
            self._observer.samples(len(batch.items) - len(batch.failed) - len(left))
        batch.passes.clear()

    def flush(self) -> None:
        """Decode all rows that wait."""
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
