"""The door to the network: what exactly goes out, what may come in, and when it is sent again."""

from __future__ import annotations

import asyncio
import os
import socket  # noqa: TID251 - the errors of a lookup
import traceback
from collections.abc import Sequence
from dataclasses import replace

import pytest

from billhook.engine.command.command import Command
from billhook.engine.egress.policy import EgressPolicy
from billhook.engine.errors import (
    BillhookError,
    EgressDenied,
    SourceCutShort,
    SourceTimeout,
    SourceUnreachable,
)
from billhook.engine.http.pool import KEEP_IDLE
from billhook.engine.http.request import WebRequest
from billhook.engine.http.terms import RunTerms
from billhook.engine.http.trace import Trace
from billhook.engine.http.transport import HttpTransport, Response
from billhook.engine.run import run_command
from billhook.engine.secret import Secret
from billhook.engine.verdict import Verdict
from engine.origins import (
    Peer,
    Script,
    always,
    answer,
    command,
    nothing_left,
    once,
    pdf,
    serving,
    transport_to,
    with_limits,
)

BOTH_LOOPS = True


async def exchange(
    door: HttpTransport, request: WebRequest, like: Command, trace: Trace | None = None
) -> Response:
    deadline = asyncio.get_running_loop().time() + 30
    return await door.exchange(
        request,
        RunTerms(limits=like.limits, redirects="deny", deadline=deadline, trace=trace or Trace()),
    )


async def run(door: HttpTransport, a_command: Command, trace: Trace | None = None) -> bytes:
    """Run *a_command* and return the document's bytes."""
    document = await run_command(a_command, a_command.values({}), transport=door, trace=trace)
    with document:
        return document.body.read()


class TestTheRequest:
    """A request goes out as configured, byte for byte."""

    async def test_target_headers_and_body_are_sent_as_configured(self) -> None:
        async with serving(always(answer(pdf()))) as source, transport_to(source) as door:
            post = command(
                f"{source.url}/a%2Fb//c;v=1?q=%3D+&x",
                method="POST",
                headers=(("x-API-key", "1"), ("Content-Type", "application/json"), ("B", "2")),
                body='{"a": 1}',
            )
            await run(door, post)
        head, _, body = source.requests[0].partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        assert first == "POST /a%2Fb//c;v=1?q=%3D+&x HTTP/1.1"
        assert lines[:4] == [
            f"Host: 127.0.0.1:{source.port}",
            "x-API-key: 1",
            "Content-Type: application/json",
            "B: 2",
        ]
        assert set(lines[4:]) == {
            lines[4],
            "Accept: */*",
            "Accept-Encoding: identity",
            "Content-Length: 8",
        }
        assert lines[4].startswith("User-Agent: Billhook/")
        assert body == b'{"a": 1}'

    async def test_a_configured_header_is_not_added_again(self) -> None:
        async with serving(always(answer(pdf()))) as source, transport_to(source) as door:
            headers = (("user-agent", "Acme"), ("ACCEPT", "application/pdf"))
            await run(door, command(f"{source.url}/", headers=headers))
        sent = source.requests[0].lower()
        assert (sent.count(b"user-agent"), sent.count(b"accept:")) == (1, 1)

    async def test_no_content_type_is_added_to_a_body(self) -> None:
        async with serving(always(answer(pdf()))) as source, transport_to(source) as door:
            await run(door, command(f"{source.url}/", method="POST", body="plain"))
        assert b"content-type" not in source.requests[0].lower()

    @pytest.mark.parametrize(
        ("method", "length"),
        [
            pytest.param("GET", None, id="GET"),
            pytest.param("DELETE", None, id="DELETE"),
            pytest.param("POST", b"Content-Length: 0\r\n", id="POST"),
            pytest.param("PUT", b"Content-Length: 0\r\n", id="PUT"),
            pytest.param("PATCH", b"Content-Length: 0\r\n", id="PATCH"),
        ],
    )
    async def test_an_empty_body_is_announced_where_a_body_is_usual(
        self, method: str, length: bytes | None
    ) -> None:
        async with serving(always(answer(pdf()))) as source, transport_to(source) as door:
            await run(door, command(f"{source.url}/", method=method))
        sent = source.requests[0]
        assert (length in sent) if length else (b"Content-Length" not in sent)

    async def test_nothing_in_the_environment_has_an_effect(self, monkeypatch, tmp_path) -> None:
        netrc = tmp_path / "netrc"
        netrc.write_text("default login eve password canary-7341\n")
        netrc.chmod(0o600)
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        monkeypatch.setenv("NETRC", str(netrc))
        async with serving(always(answer(pdf()))) as source, transport_to(source) as door:
            assert await run(door, command(f"{source.url}/")) == pdf()
        assert b"authorization" not in source.requests[0].lower()

    async def test_a_cookie_that_was_set_is_not_sent_back(self) -> None:
        setting = always(answer(pdf(), "Set-Cookie: session=1; Path=/"))
        async with serving(setting) as source, transport_to(source) as door:
            await run(door, command(f"{source.url}/"))
            await run(door, command(f"{source.url}/"))
        assert b"cookie" not in source.requests[1].lower()

    @pytest.mark.parametrize(
        "change",
        [
            pytest.param({"target": "/a b"}, id="a-space-in-the-target"),
            pytest.param({"target": "/a\r\nX: y"}, id="a-line-break-in-the-target"),
            pytest.param({"target": "//evil.example/\\"}, id="a-backslash-in-the-target"),
            pytest.param({"target": "http://127.0.0.1/"}, id="a-whole-url-as-target"),
            pytest.param({"headers": (("A", "b\r\nX: y"),)}, id="a-line-break-in-a-header"),
            pytest.param({"headers": (("A", "b\nX: y"),)}, id="a-line-feed-in-a-header"),
            pytest.param({"headers": (("A\r\nB", "c"),)}, id="a-line-break-in-a-name"),
            pytest.param({"headers": (("A", "b\0"),)}, id="NUL-in-a-header"),
            pytest.param({"method": "GET /x HTTP/1.1\r\nA:"}, id="a-line-break-in-the-method"),
        ],
    )
    async def test_a_request_that_would_become_two_is_refused_by_the_transport_too(
        self, change: dict[str, object]
    ) -> None:
        async with serving(always(answer(pdf()))) as source, transport_to(source) as door:
            whole = command(f"{source.url}/")
            request = whole.steps[0].fill(whole.values({}))
            with pytest.raises(EgressDenied):
                await exchange(door, replace(request, **change), whole)  # type: ignore[arg-type]
        assert source.requests == []


class TestTheAnswer:
    """Every lawful way to end a body is understood."""

    @pytest.mark.parametrize(
        "script",
        [
            pytest.param(always(answer(pdf())), id="by-length"),
            pytest.param(once(b"HTTP/1.1 200 OK\r\n\r\n" + pdf()), id="by-close"),
            pytest.param(once(b"HTTP/1.0 200 OK\r\n\r\n" + pdf()), id="by-close-in-HTTP-1.0"),
            pytest.param(
                always(
                    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                    b"3e8\r\n" + pdf()[:1000] + b"\r\n3E8;x=y\r\n" + pdf()[1000:] + b"\r\n"
                    b"0\r\nTrailer: x\r\n\r\n"
                ),
                id="by-chunks-with-a-trailer",
            ),
            pytest.param(
                always(
                    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
                    + answer(pdf())
                ),
                id="after-two-interim-answers",
            ),
            pytest.param(
                always(answer(pdf(), "Content-Encoding: identity")), id="in-the-identity-encoding"
            ),
        ],
    )
    async def test_the_end_of_a_body_is_found(self, script: Script) -> None:
        async with serving(script) as source, nothing_left():
            async with transport_to(source) as door:
                assert await run(door, command(f"{source.url}/")) == pdf()
            await source.all_gone()

    async def test_headers_are_returned_unchanged(self) -> None:
        lines = ("X-One: 1", "x-one: 2", "Content-Type: text/html")
        async with serving(always(answer(b"x", *lines))) as source, transport_to(source) as door:
            whole = command(f"{source.url}/")
            response = await exchange(door, whole.steps[0].fill(whole.values({})), whole)
        assert response.headers[1:] == (
            ("X-One", "1"),
            ("x-one", "2"),
            ("Content-Type", "text/html"),
        )
        assert str(response.origin) == source.url

    async def test_an_early_response_is_used_and_the_connection_is_closed(
        self,
    ) -> None:
        async def script(peer: Peer) -> None:
            await peer.reader.readuntil(b"\r\n\r\n")
            await peer.send(answer(pdf()))
            await peer.until_gone()

        async with serving(script) as source, transport_to(source) as door, nothing_left():
            whole = command(f"{source.url}/", method="POST", body="x")
            request = whole.steps[0].fill(whole.values({}))
            response = await exchange(door, replace(request, body=b"x" * 20_000_000), whole)
            assert response.body.read() == pdf()
            async with asyncio.timeout(KEEP_IDLE / 2):
                await source.all_gone()


class TestConnections:
    """Connections are used again only while they are clean."""

    async def test_one_connection_serves_many_runs(self) -> None:
        async with serving(always(answer(pdf()))) as source, transport_to(source) as door:
            for _ in range(5):
                await run(door, command(f"{source.url}/"))
        assert source.connections == 1

    async def test_two_transports_share_no_connection(self) -> None:
        async with (
            serving(always(answer(pdf()))) as source,
            transport_to(source) as one,
            transport_to(source) as other,
        ):
            await run(one, command(f"{source.url}/"))
            await run(other, command(f"{source.url}/"))
        assert source.connections == 2

    async def test_a_response_pushed_on_an_idle_connection_is_not_read_by_the_next_run(
        self,
    ) -> None:
        pushed = asyncio.Event()

        async def script(peer: Peer) -> None:
            await peer.request()
            await peer.send(answer(pdf(2000)))
            await asyncio.sleep(0.05)
            if not pushed.is_set():
                await peer.send(answer(pdf(3000)))
                pushed.set()
            await peer.until_gone()

        async with serving(script) as source, transport_to(source) as door:
            assert await run(door, command(f"{source.url}/")) == pdf(2000)
            await pushed.wait()
            assert await run(door, command(f"{source.url}/")) == pdf(2000)
        assert source.connections == 2

    async def test_a_pushed_response_is_not_read_even_if_it_still_waits_in_the_kernel(self) -> None:
        peers: list[Peer] = []

        async def script(peer: Peer) -> None:
            peers.append(peer)
            await peer.request()
            await peer.send(answer(pdf(2000)))
            await peer.until_gone()

        async with serving(script) as source, transport_to(source) as door:
            assert await run(door, command(f"{source.url}/")) == pdf(2000)
            push_behind_the_loop(peers[0], answer(pdf(3000)))
            assert await run(door, command(f"{source.url}/")) == pdf(2000)
        assert source.connections == 2

    async def test_an_idle_connection_that_sends_without_end_is_closed_immediately(self) -> None:
        async def script(peer: Peer) -> None:
            await peer.request()
            await peer.send(answer(pdf()))
            await asyncio.sleep(0.05)
            while True:
                await peer.send(answer(pdf()))

        async with serving(script) as source, transport_to(source) as door:
            await run(door, command(f"{source.url}/"))
            async with asyncio.timeout(KEEP_IDLE / 2):
                await source.all_gone()

    async def test_a_run_in_the_queue_for_a_connection_keeps_its_deadline(self) -> None:
        async def script(peer: Peer) -> None:
            await peer.request()
            await peer.until_gone()

        async with serving(script) as source, nothing_left():
            async with transport_to(source, pool_limit=1) as door:
                first = asyncio.create_task(run(door, command(f"{source.url}/")))
                await source.asked()
                with pytest.raises(SourceTimeout) as caught:
                    await run(door, with_limits(command(f"{source.url}/"), timeout=0.1))
                assert caught.value.phase == "whole"
                first.cancel()
                await asyncio.wait([first])
            assert source.connections == 1

    async def test_a_cancelled_run_leaves_nothing_open(self) -> None:
        async def script(peer: Peer) -> None:
            await peer.request()
            await peer.send(answer(b"%PDF-", length=99))
            await peer.until_gone()

        async with serving(script) as source, nothing_left(), transport_to(source) as door:
            trace = Trace()
            running = asyncio.create_task(run(door, command(f"{source.url}/"), trace))
            await source.asked()
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            await source.all_gone()
        assert [attempt.outcome for attempt in trace.attempts] == ["unfinished"]


def push_behind_the_loop(peer: Peer, data: bytes) -> None:
    """Write *data* into the socket at once, so that our side's loop hasn't seen it yet."""
    os.write(peer.writer.get_extra_info("socket").fileno(), data)


class TestRepeating:
    """A request is sent once more only if that can do no harm."""

    def hangs_up_on_the_second_request(self, *, after: bytes = b"") -> Script:
        hung_up = asyncio.Event()

        async def script(peer: Peer) -> None:
            await peer.request()
            await peer.send(answer(pdf()))
            await peer.request()
            if hung_up.is_set():
                await peer.send(answer(pdf()))
                return
            hung_up.set()
            await peer.send(after)

        return script

    async def test_a_get_is_repeated_if_an_idle_connection_was_closed_before_any_response(
        self,
    ) -> None:
        trace = Trace()
        async with serving(self.hangs_up_on_the_second_request()) as source, nothing_left():
            async with transport_to(source) as door:
                await run(door, command(f"{source.url}/"))
                assert await run(door, command(f"{source.url}/"), trace) == pdf()
            await source.all_gone()
        assert [attempt.outcome for attempt in trace.attempts] == ["source-cut-short", "ok"]
        assert len(source.requests) == 3

    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
    async def test_no_other_method_is_repeated(self, method: str) -> None:
        async with (
            serving(self.hangs_up_on_the_second_request()) as source,
            transport_to(source) as door,
        ):
            await run(door, command(f"{source.url}/", method=method))
            with pytest.raises(SourceCutShort):
                await run(door, command(f"{source.url}/", method=method))
        assert len(source.requests) == 2

    async def test_a_get_is_not_repeated_if_a_byte_of_the_response_arrived(self) -> None:
        script = self.hangs_up_on_the_second_request(after=b"H")
        async with serving(script) as source, transport_to(source) as door:
            await run(door, command(f"{source.url}/"))
            with pytest.raises(SourceCutShort):
                await run(door, command(f"{source.url}/"))
        assert len(source.requests) == 2

    async def test_a_get_is_sent_twice_at_most_and_over_a_new_connection(self) -> None:
        answered = asyncio.Event()

        async def script(peer: Peer) -> None:
            await peer.request()
            if not answered.is_set():
                answered.set()
                await peer.send(answer(pdf()))
                await peer.request()

        trace = Trace()
        async with serving(script) as source, transport_to(source) as door:
            await run(door, command(f"{source.url}/"))
            with pytest.raises(SourceCutShort):
                await run(door, command(f"{source.url}/"), trace)
        assert len(trace.attempts) == 2
        assert len(source.requests) == 3
        assert source.connections == 3, "the last one looks whether the origin speaks TLS"

    async def test_a_second_idle_connection_is_not_trusted_either(self) -> None:
        both_asked = asyncio.Barrier(2)
        seen = 0

        async def script(peer: Peer) -> None:
            nonlocal seen
            seen += 1
            await peer.request()
            if seen <= 2:
                await both_asked.wait()
            await peer.send(answer(pdf()))
            await peer.request()  # and hang up

        async with serving(script) as source, transport_to(source) as door:
            get = command(f"{source.url}/")
            await asyncio.gather(run(door, get), run(door, get))
            assert await run(door, get) == pdf()
        assert source.connections == 3

    async def test_a_get_on_a_new_connection_is_not_repeated(self) -> None:
        async with serving(once(b"")) as source, transport_to(source) as door:
            with pytest.raises(SourceCutShort):
                await run(door, command(f"{source.url}/"))
        assert len(source.requests) == 1


class Answers:
    """A resolver that gives one scripted answer after the other, and counts."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = list(answers)
        self.asked = 0

    async def resolve(self, name: str) -> Sequence[str]:
        self.asked += 1
        return self._answers.pop(0)


class TestLookups:
    """A name is looked up for each connection, once, and every answer is judged."""

    def door(self, port: int, resolver: Answers) -> HttpTransport:
        policy = EgressPolicy.from_texts(allow=[f"erp.example.net:{port}=127.0.0.0/8"])
        return HttpTransport(policy, resolver=resolver)

    async def test_a_name_is_dialled_at_the_addresses_of_its_lookup(self) -> None:
        async with (
            serving(always(answer(pdf()))) as source,
            self.door(source.port, Answers(["127.0.0.1"])) as door,
        ):
            trace = Trace()
            await run(door, command(f"http://erp.example.net:{source.port}/"), trace)
        assert f"\r\nHost: erp.example.net:{source.port}\r\n".encode() in source.requests[0]
        assert trace.attempts[0].timing.lookup is not None

    async def test_the_second_address_is_tried_when_the_first_refuses(self) -> None:
        async with (
            serving(always(answer(pdf()))) as source,
            self.door(source.port, Answers(["127.0.0.2", "127.0.0.1"])) as door,
        ):
            assert await run(door, command(f"http://erp.example.net:{source.port}/")) == pdf()

    @pytest.mark.parametrize(
        ("answers", "reason"),
        [
            pytest.param(["127.0.0.1", "10.0.0.5"], "address", id="one-bad-answer-of-two"),
            pytest.param(["127.0.0.1"] * 40 + ["169.254.169.254"], "address", id="one-of-many"),
            pytest.param(["::ffff:127.0.0.1"], "address", id="IPv4-inside-IPv6"),
            pytest.param(["127.1"], "not-an-ip", id="a-legacy-number"),
            pytest.param(["localhost"], "not-an-ip", id="a-name"),
            pytest.param(["fe80::1%eth0"], "zone-id", id="a-zone"),
        ],
    )
    async def test_one_denied_address_refuses_the_name(
        self, answers: list[str], reason: str
    ) -> None:
        trace = Trace()
        async with (
            serving(always(answer(pdf()))) as source,
            self.door(source.port, Answers(answers)) as door,
        ):
            with pytest.raises(EgressDenied) as caught:
                await run(door, command(f"http://erp.example.net:{source.port}/"), trace)
        assert caught.value.verdict.reason == reason
        assert source.connections == 0
        assert [attempt.outcome for attempt in trace.attempts] == ["egress-denied"]

    async def test_a_name_that_moves_inside_is_denied_at_the_next_connection(self) -> None:
        async with (
            serving(once(answer(pdf()))) as source,
            self.door(source.port, Answers(["127.0.0.1"], ["10.0.0.5"])) as door,
        ):
            get = command(f"http://erp.example.net:{source.port}/")
            assert await run(door, get) == pdf()
            await source.all_gone()
            with pytest.raises(EgressDenied):
                await run(door, get)

    async def test_a_refused_connection_is_not_looked_up_again(self) -> None:
        async with serving(always(b"")) as source:
            pass
        resolver = Answers(["127.0.0.1"], ["127.0.0.1"])
        async with self.door(source.port, resolver) as door:
            with pytest.raises(SourceUnreachable) as caught:
                await run(door, command(f"http://erp.example.net:{source.port}/"))
        assert resolver.asked == 1
        assert caught.value.reason == "refused"

    async def test_a_lookup_that_takes_too_long_is_reported_as_a_timeout(self) -> None:
        class Never(Answers):
            async def resolve(self, name: str) -> Sequence[str]:
                await asyncio.sleep(60)
                return []

        async with self.door(8080, Never()) as door, nothing_left():
            slow = with_limits(command("http://erp.example.net:8080/"), lookup_timeout=0.05)
            with pytest.raises(SourceTimeout) as caught:
                await run(door, slow)
        assert caught.value.phase == "lookup"

    async def test_a_name_without_addresses_is_unreachable(self) -> None:
        async with self.door(8080, Answers([])) as door:
            with pytest.raises(SourceUnreachable) as caught:
                await run(door, command("http://erp.example.net:8080/"))
        assert caught.value.reason == "name-unknown"

    @pytest.mark.parametrize(
        ("number", "reason"),
        [
            pytest.param(socket.EAI_NONAME, "name-unknown", id="unknown"),
            pytest.param(socket.EAI_AGAIN, "lookup-failed", id="no answer"),
        ],
    )
    async def test_an_unknown_name_differs_from_a_dns_that_fails(
        self, number: int, reason: str
    ) -> None:
        class Failing(Answers):
            async def resolve(self, name: str) -> Sequence[str]:
                raise socket.gaierror(number, "as the system says")

        async with self.door(8080, Failing()) as door:
            with pytest.raises(SourceUnreachable) as caught:
                await run(door, command("http://erp.example.net:8080/"))
        assert caught.value.reason == reason

    @pytest.mark.parametrize(
        ("location", "place"),
        [
            pytest.param("https://10.1.2.3/x", ("10.1.2.3", 443), id="address"),
            pytest.param("https://inner.local/x", ("inner.local", 443), id="name"),
            pytest.param("ftp://other.example/x", None, id="scheme"),
        ],
    )
    async def test_a_denied_redirect_is_named_as_one(
        self, location: str, place: tuple[str, int] | None
    ) -> None:
        moved = answer(b"", f"Location: {location}", status="302 Found")
        async with (
            serving(always(moved)) as source,
            self.door(source.port, Answers(["127.0.0.1"])) as door,
        ):
            with pytest.raises(EgressDenied) as caught:
                await run(door, command(f"http://erp.example.net:{source.port}/"))
        found = caught.value.place
        assert caught.value.came_from == "redirect"
        assert (found and (found.host, found.port)) == place


@pytest.mark.parametrize(
    ("url", "verdict"),
    [
        pytest.param("http://127.0.0.1/", Verdict.DENIED_LOOPBACK, id="loopback"),
        pytest.param("http://[::1]/", Verdict.DENIED_LOOPBACK, id="loopback-in-IPv6"),
        pytest.param("http://10.1.2.3/", Verdict.DENIED_PRIVATE, id="private"),
        pytest.param("https://metadata.google.internal/", Verdict.DENIED_METADATA_NAME, id="name"),
        pytest.param("https://api.example.com:22/", Verdict.DENIED_PORT, id="port"),
    ],
)
async def test_an_address_that_the_policy_denies_is_never_looked_up(
    url: str, verdict: Verdict
) -> None:
    resolver = Answers(["93.184.216.34"])
    async with HttpTransport(EgressPolicy(), resolver=resolver) as door:
        with pytest.raises(EgressDenied) as caught:
            await run(door, command(url))
    assert caught.value.verdict is verdict
    assert caught.value.came_from == "url"
    assert caught.value.place is not None
    assert resolver.asked == 0


CANARY = "canary-7341"


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(once(b""), id="cut-short"),
        pytest.param(once(f"{CANARY}\r\n\r\n".encode()), id="not-http"),
        pytest.param(always(answer(CANARY.encode())), id="not-a-document"),
        pytest.param(always(answer(status=f"500 {CANARY}")), id="a-status"),
        pytest.param(
            always(answer(b"", f"Location: http://127.0.0.1:1/{CANARY}", status="302 Found")),
            id="a-redirect",
        ),
        pytest.param(always(answer(b"x", f"Content-Encoding: {CANARY}")), id="an-encoding"),
    ],
)
async def test_no_error_shows_the_url_a_secret_or_text_of_the_source(script: Script) -> None:
    async with serving(script) as source, transport_to(source) as door:
        secretly = command(
            f"{source.url}/hidden-path/{{{{ApiKey}}}}",
            headers=(("Authorization", "Bearer {{ApiKey}}"),),
            secrets=("ApiKey",),
        )
        values = secretly.values({}, secrets={"ApiKey": Secret(CANARY)})
        with pytest.raises(BillhookError) as caught:
            await run_command(secretly, values, transport=door)
    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert CANARY not in told
    assert "hidden-path" not in told
    assert str(source.port) not in told
