"""The HTTP API with a fake engine, tested through real sockets."""

from __future__ import annotations

import base64
import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from sidecar.protocol import Item, Limits, Place, Query
from sidecar.tests.service.fake_engine import MODELS, FakeEngine, item, serving, until


def test_answers_are_in_order_and_name_the_models() -> None:
    engine = FakeEngine()
    with serving(engine) as service:
        answer = service.post(item("a"), item("bb", images=()), item("c", images=(b"broken",)))
    assert answer.status_code == 200
    body = answer.json()
    assert body["models"] == MODELS
    assert body["items"][0]["flags"] == []
    choice, text = body["items"][0]["answers"]
    assert choice == {
        "logprobs": [-0.25] + [-1.5] * 5,
        "mass": pytest.approx(1.894, abs=1e-3),
        "argmax": "0",
        "argmax_id": 15,
    }
    assert text == {"text": "a|\nstyles", "truncated": False}
    assert body["items"][1]["answers"][0]["argmax"] == "1"
    assert body["items"][1]["flags"] == ["off_reference"]
    assert body["items"][2] == {
        "error": {"code": "image_undecodable", "detail": "images[0]: not an image", "path": None}
    }


def test_the_engine_gets_the_items_that_were_sent() -> None:
    engine = FakeEngine()
    picture = bytes(range(256)) * 3
    with serving(engine) as service:
        sent = {"prefix": ["a ", {"image": 0}, {"image": 1.0}, "päfix <image>", "\n"]}
        service.post(item(images=(picture, b"")) | sent)
    assert engine.calls == [
        [
            Item(
                images=(picture, b""),
                prefix=("a ", Place(0), Place(1), "päfix <image>", "\n"),
                queries=(
                    Query("scorer", "\nrate", ("0", "1", "2", "3", "4", "5"), None),
                    Query("styler", "\nstyles", None, 64),
                ),
            )
        ]
    ]


@pytest.mark.parametrize(
    ("change", "path", "reason"),
    [
        ({"images": ["aGk=", "not base64!"]}, "items[1].images[1]", "not standard base64"),
        ({"images": ["aGk"]}, "items[1].images[0]", "not standard base64"),
        ({"images": [7]}, "items[1].images[0]", "a string of standard base64"),
        ({"prefix": None}, "items[1].prefix", "valid array"),
        ({"prefix": "Question: <image>"}, "items[1].prefix", "valid array"),
        ({"prefix": ["\ud800"]}, None, ""),
        ({"prefix": [{"image": 0}, ""]}, "items[1].prefix[1]", "a text that is not empty"),
        ({"prefix": ["a", {"image": -1}]}, "items[1].prefix[1]", "the place of image k"),
        ({"prefix": [{"image": True}]}, "items[1].prefix[0]", "the place of image k"),
        ({"prefix": [{"image": 0, "text": "a"}]}, "items[1].prefix[0]", "the place of image k"),
        ({"prefix": ["a", {"image": 0}, {"image": 1}]}, "items[1].prefix[2].image", "the item has 1 images"),
        ({"prefix": ["a"]}, "items[1].images[0]", "no place"),
        ({"prefix": [{"image": 0}, {"image": 0}]}, "items[1].prefix[1].image", "image 1 must come first"),
        (
            {"images": ["aGk=", "aGk="], "prefix": [{"image": 1}, {"image": 0}]},
            "items[1].prefix[0].image",
            "image 0 must come first",
        ),
        ({"queries": []}, "items[1].queries", "at least 1"),
        ({"queries": [{"model": "judge", "text": "", "max_tokens": 1}]}, "items[1].queries[0].model", "scorer"),
        ({"queries": [{"model": "scorer", "text": ""}]}, "items[1].queries[0]", "either choices or max_tokens"),
        (
            {"queries": [{"model": "scorer", "text": "", "choices": ["0"], "max_tokens": 1}]},
            "items[1].queries[0]",
            "either",
        ),
        ({"queries": [{"model": "scorer", "text": "", "choices": ["0", "0"]}]}, "items[1].queries[0]", "twice"),
        ({"queries": [{"model": "scorer", "text": "", "choices": []}]}, "items[1].queries[0].choices", "at least 1"),
        ({"queries": [{"model": "scorer", "text": "", "max_tokens": 0}]}, "items[1].queries[0].max_tokens", "greater"),
        (
            {"queries": [{"model": "scorer", "text": "", "max_tokens": "9"}]},
            "items[1].queries[0].max_tokens",
            "integer",
        ),
        ({"imagse": []}, "items[1].imagse", "not permitted"),
    ],
)
def test_a_malformed_request_is_answered_with_its_field(change: dict[str, Any], path: str | None, reason: str) -> None:
    engine = FakeEngine()
    with serving(engine) as service:
        # This uses Python's own encoder, because httpx's refuses a lone surrogate.
        body = json.dumps({"items": [item(), item() | change]})
        answer = service.client.post("/v1/score", content=body)
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert error["code"] == "malformed"
    assert error["path"] == path
    assert reason in error["detail"]
    assert engine.calls == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"items":[]}', b'{"items":7}', b"\xff\xfe", b'{"items":[[[['])
def test_an_invalid_body_is_answered_422(body: bytes) -> None:
    with serving(FakeEngine()) as service:
        assert service.client.post("/v1/score", content=body).status_code == 422


def test_an_error_does_not_repeat_the_input() -> None:
    with serving(FakeEngine()) as service:
        answer = service.post(item(images=()) | {"images": ["!" * 100_000]})
    assert answer.status_code == 422
    assert len(answer.content) < 500


def test_too_many_bytes_are_refused_with_and_without_a_content_length() -> None:
    engine = FakeEngine()
    with serving(engine, limits=Limits(bytes=2000)) as service:
        small = service.post(item("x" * 1000))
        # This is more than the sockets' buffers can hold, so the answer must reach a client that still sends.
        declared = service.post(item("x" * 20_000_000))
        chunked = service.client.post("/v1/score", content=(b" " * 100_000 for _ in range(200)))
        again = service.post(item("x" * 1000))
    assert [small.status_code, declared.status_code, chunked.status_code, again.status_code] == [200, 413, 413, 200]
    for refused in (declared, chunked):
        assert refused.json()["error"]["code"] == "too_many_bytes"
        assert "2000" in refused.json()["error"]["detail"]
    assert len(engine.calls) == 2


def test_a_request_near_the_limit_is_accepted() -> None:
    engine = FakeEngine()
    pictures = [item(images=(bytes(250_000),)) for _ in range(180)]
    with serving(engine) as service:
        assert service.post(*pictures).status_code == 200
    assert len(engine.calls[0]) == 180


@pytest.mark.parametrize("framing", ["Content-Length: 30000000", "Transfer-Encoding: chunked"])
def test_a_refusal_reaches_a_client_that_writes_all_before_it_reads(framing: str) -> None:
    body = b" " * 30_000_000
    if "chunked" in framing:
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    with (
        serving(FakeEngine(), limits=Limits(bytes=2000)) as service,
        socket.create_connection(service.address) as client,
    ):
        client.settimeout(20)
        client.sendall(f"POST /v1/score HTTP/1.1\r\nHost: x\r\n{framing}\r\n\r\n".encode() + body)
        assert client.recv(100).startswith(b"HTTP/1.1 413")


def test_too_many_items_are_refused_whole() -> None:
    engine = FakeEngine()
    with serving(engine, limits=Limits(items=2)) as service:
        assert service.post(item(), item()).status_code == 200
        answer = service.post(item(), item(), item())
    assert answer.status_code == 413
    assert answer.json()["error"] == {
        "code": "too_many_items",
        "detail": "3 items, but a request may have at most 2",
        "path": "items",
    }
    assert len(engine.calls) == 1


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (item(images=(b"1", b"2", b"3")), "too_many_images"),
        (item(queries=item()["queries"] * 3), "too_many_queries"),
        (item(queries=[{"model": "styler", "text": "", "max_tokens": 33}]), "too_many_new_tokens"),
        (item("x" * (64 * 256)), "prompt_too_long"),
        (item("overflow"), "not_finite"),
    ],
)
def test_an_item_above_a_limit_fails_alone(bad: dict[str, Any], code: str) -> None:
    limits = Limits(images=2, queries=4, new_tokens=32, tokens=64)
    good = item(queries=item()["queries"][:1])
    with serving(FakeEngine(), limits=limits) as service:
        if code in ("prompt_too_long", "not_finite"):
            bad = bad | {"queries": item()["queries"][:1]}
        answer = service.post(good, bad, good)
    assert answer.status_code == 200
    first, failed, last = answer.json()["items"]
    assert failed["error"]["code"] == code
    assert first == last
    assert first["answers"]


def test_a_batch_of_refused_items_does_not_reach_the_engine() -> None:
    engine = FakeEngine()
    with serving(engine, limits=Limits(images=0)) as service:
        answer = service.post(item())
    assert answer.json()["items"][0]["error"]["code"] == "too_many_images"
    assert engine.calls == []


@pytest.mark.parametrize(
    ("limits", "queue", "batch", "in_flight"),
    [(Limits(), 4, 64, 4), (Limits(items=50), 1, 50, 2), (Limits(batch=8, in_flight=3), 4, 8, 3)],
    ids=["advice of the engine", "limits of the service", "values of the environment"],
)
def test_advice_to_clients(limits: Limits, queue: int, batch: int, in_flight: int) -> None:
    engine = FakeEngine()
    engine.tips = {"batch": 64, "in_flight": 4}
    with serving(engine, limits=limits, queue=queue) as service:
        answer = service.client.get("/v1/limits").json()
    assert (answer["batch"], answer["in_flight"]) == (batch, in_flight)


def test_limits_and_models_are_reported() -> None:
    set_limits = Limits(items=3, bytes=5000, pixels=7, tokens=99)
    with serving(FakeEngine(), limits=set_limits, queue=1) as service:
        limits = service.client.get("/v1/limits").json()
        models = service.client.get("/v1/models").json()
    assert limits == {
        "items": 3,
        "batch": 32,
        "in_flight": 2,
        "bytes": 5000,
        "images": 16,
        "pixels": 7,
        "queries": 64,
        "tokens": 99,
        "new_tokens": 256,
        "choices": 256,
        "characters": 99 * 256,
    }
    assert models == {"protocol": 2, "models": MODELS}


def test_every_path_except_healthz_requires_the_token() -> None:
    engine = FakeEngine()
    with serving(engine, token="s3cret") as service:
        for path in ("/v1/limits", "/v1/models", "/metrics"):
            for headers in ({}, {"Authorization": "Bearer other"}, {"Authorization": "s3cret"}):
                refused = service.client.get(path, headers=headers)
                assert (refused.status_code, refused.json()["error"]["code"]) == (401, "unauthorized")
        assert service.post(item()).status_code == 401
        assert engine.calls == []
        assert service.client.get("/healthz").status_code == 200
        service.client.headers["Authorization"] = "Bearer s3cret"
        assert service.client.get("/v1/models").json()["models"] == MODELS
        assert service.post(item()).status_code == 200


def test_while_the_models_load_requests_are_refused_with_retry_after() -> None:
    engine = FakeEngine()
    loading = threading.Event()

    def load() -> FakeEngine:
        assert loading.wait(20)
        return engine

    with serving(engine, load=load, ready=False) as service:
        health = service.client.get("/healthz")
        score = service.post(item())
        models = service.client.get("/v1/models")
        limits = service.client.get("/v1/limits")
        assert service.metrics.render(False, {}).decode().count("sidecar_ready 0.0") == 1
        loading.set()
        until(lambda: service.client.get("/healthz").status_code == 200)
        assert service.post(item()).status_code == 200
    assert (health.status_code, health.json()) == (503, {"status": "loading"})
    assert limits.status_code == 200
    for refused in (score, models):
        assert refused.status_code == 503
        assert refused.json()["error"]["code"] == "loading"
        assert int(refused.headers["retry-after"]) > 0


def test_models_that_do_not_load_end_the_process() -> None:
    def load() -> FakeEngine:
        raise ValueError("model.norm.weight is missing")

    with serving(FakeEngine(), load=load, ready=False) as service:
        service.thread.join(20)
        assert not service.thread.is_alive()
        assert service.server.exit_code == 1


def test_a_full_queue_answers_429_and_then_works_again() -> None:
    engine = FakeEngine(hold=True)
    with serving(engine, queue=1) as service, ThreadPoolExecutor(4) as pool:
        running = pool.submit(service.post, item("a"))
        assert engine.entered.acquire(timeout=20)
        waiting = pool.submit(service.post, item("b"))
        until(lambda: service.metric("sidecar_queue") == 1)
        full = service.post(item("c" * 20_000_000))
        assert service.client.get("/healthz").status_code == 200
        engine.release.set()
        assert [running.result().status_code, waiting.result().status_code] == [200, 200]
        assert service.post(item("d")).status_code == 200
        assert service.metric("sidecar_requests_total", code="429") == 1
    assert full.status_code == 429
    assert full.json()["error"]["code"] == "queue_full"
    assert 1 <= int(full.headers["retry-after"]) <= 60
    assert [call[0].pieces()[-1] for call in engine.calls] == ["a", "b", "d"]


def test_a_waiting_request_whose_client_disconnects_is_not_run() -> None:
    engine = FakeEngine(hold=True)
    with serving(engine, queue=1) as service, ThreadPoolExecutor(2) as pool:
        running = pool.submit(service.post, item("a"))
        assert engine.entered.acquire(timeout=20)
        body = json.dumps({"items": [item("left")]}).encode()
        with socket.create_connection(service.address) as leaver:
            leaver.sendall(b"POST /v1/score HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            until(lambda: service.metric("sidecar_queue") == 1)
        until(lambda: service.metric("sidecar_queue") == 0)
        until(lambda: service.metric("sidecar_requests_total", code="499") == 1)
        next_ = pool.submit(service.post, item("b"))
        until(lambda: service.metric("sidecar_queue") == 1)
        engine.release.set()
        assert running.result().status_code == next_.result().status_code == 200
    assert [call[0].pieces()[-1] for call in engine.calls] == ["a", "b"]


def test_a_running_batch_keeps_its_place_when_its_client_disconnects() -> None:
    engine = FakeEngine(hold=True)
    with serving(engine, queue=0) as service:
        body = json.dumps({"items": [item("left")]}).encode()
        with socket.create_connection(service.address) as leaver:
            leaver.sendall(b"POST /v1/score HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            assert engine.entered.acquire(timeout=20)
        assert service.post(item("b")).status_code == 429
        engine.release.set()
        until(lambda: service.post(item("c")).status_code == 200)


def test_a_body_that_does_not_arrive_frees_its_place_in_the_queue() -> None:
    with serving(FakeEngine(), queue=0, body_seconds=0.3) as service:
        with socket.create_connection(service.address) as slow:
            slow.sendall(b"POST /v1/score HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
            slow.settimeout(20)
            assert slow.recv(100).startswith(b"HTTP/1.1 408")
        assert service.post(item()).status_code == 200


def test_after_a_failure_the_engine_answers_the_next_request(caplog: pytest.LogCaptureFixture) -> None:
    engine = FakeEngine()
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    with serving(engine) as service:
        engine.raises = RuntimeError("mat1 and mat2 shapes")
        failed = service.client.post("/v1/score", json={"items": [item()]}, headers={"traceparent": trace})
        engine.raises = None
        assert service.post(item()).status_code == 200
    assert failed.status_code == 500
    assert failed.json()["error"]["code"] == "engine"
    assert [vars(record)["traceparent"] for record in caplog.records if record.exc_info] == [trace]


def test_a_lost_device_ends_the_process() -> None:
    engine = FakeEngine()
    with serving(engine) as service:
        engine.raises = RuntimeError("CUDA error: an illegal memory access was encountered")
        assert service.post(item()).status_code == 500
        service.thread.join(20)
        assert not service.thread.is_alive()
        assert service.server.exit_code == 1


def test_unknown_paths_and_methods() -> None:
    with serving(FakeEngine()) as service:
        assert service.client.get("/v2").json() == {"error": {"code": "http", "detail": "Not Found", "path": None}}
        assert service.client.get("/v1/score").status_code == 405


def test_images_in_url_safe_base64_are_refused() -> None:
    with serving(FakeEngine()) as service:
        url_safe = base64.urlsafe_b64encode(b"\xfb\xff\xfe").decode()
        assert service.post(item() | {"images": [url_safe]}).status_code == 422
