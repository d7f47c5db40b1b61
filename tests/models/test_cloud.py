"""The makers' own packages against stand-in servers that speak their formats and keep what came."""

from __future__ import annotations

import logging
import os
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from brain.errors import BrainError, Refused, UsageError
from brain.models import cloud, cloud_errors, cloud_wire
from brain.models.cloud import Call, Reply, generate
from brain.models.cloud_errors import CloudFault, LedElsewhere, Usage
from brain.models.cloud_wire import Sending
from brain.models.limits import Limits
from brain.models.makers import ANTHROPIC, KNOWN, OPENAI, maker_of
from tests.stand_in_cloud import Faults, StandInCloud, tokens

KINDS = ("anthropic", "openai", "compatible")
STREAMED = (False, True)
every_kind = pytest.mark.parametrize("kind", KINDS)
streamed_or_not = pytest.mark.parametrize("streamed", STREAMED)
KEY = "sk-test-0123456789"


@pytest.fixture
def server() -> Iterator[StandInCloud]:
    with StandInCloud() as running:
        yield running


def nothing_asked(_sending: Sending) -> AbstractContextManager[None]:
    return nullcontext()


def call(server: StandInCloud, kind: str) -> Call:
    return Call(server.maker(kind), "claude-x", "Answer briefly.", "How hot?", 200)


def asked(
    server: StandInCloud,
    kind: str,
    *,
    streamed: bool = False,
    limits: Limits = cloud.LIMITS,
) -> Reply:
    heard: list[str] = []
    hear = heard.append if streamed else None
    reply = generate(call(server, kind), KEY, nothing_asked, hear=hear, limits=limits)
    if streamed:
        assert "".join(heard) == reply.text
        assert len(heard) > 1
    return reply


def failed(
    server: StandInCloud, kind: str, *, streamed: bool = False, **settings: Limits
) -> CloudFault:
    with pytest.raises(CloudFault) as caught:
        asked(server, kind, streamed=streamed, **settings)
    assert caught.value.hint
    assert "\n" not in caught.value.message + caught.value.hint
    return caught.value


@every_kind
@streamed_or_not
def test_a_text_comes_with_its_usage(
    server: StandInCloud, kind: str, streamed: bool
) -> None:
    reply = asked(server, kind, streamed=streamed)
    body = server.requests[0].body.decode()
    used = Usage(tokens(body), tokens(reply.text))
    stopped = "end_turn" if kind == "anthropic" else "stop"
    assert reply == Reply("Black tea wants 96 °C.", used, stopped, "claude-x")


@every_kind
@streamed_or_not
def test_what_was_shown_before_is_what_left_byte_for_byte(
    server: StandInCloud, kind: str, streamed: bool
) -> None:
    shown: list[Sending] = []

    def before(sending: Sending) -> AbstractContextManager[None]:
        assert not server.requests
        shown.append(sending)
        return nullcontext()

    hear = (lambda _text: None) if streamed else None
    generate(call(server, kind), KEY, before, hear=hear)
    assert [sending.body for sending in shown] == [server.requests[0].body]
    assert KEY.encode() not in shown[0].body


@every_kind
@streamed_or_not
def test_nothing_tells_who_asks_from_what_machine(
    server: StandInCloud, kind: str, streamed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not the packages' own headers, nor those that a person's environment adds to them, nor a field of the body."""
    monkeypatch.setenv("ANTHROPIC_CUSTOM_HEADERS", "x-team: secret-team")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "x-team: secret-team")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-secret")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "project-secret")
    asked(server, kind, streamed=streamed)
    request = server.requests[0]
    usual = {
        "host",
        "user-agent",
        "accept",
        "accept-encoding",
        "connection",
        "content-type",
        "content-length",
    }
    key = {"authorization"}
    if kind == "anthropic":
        key = {"x-api-key", "anthropic-version"}
    assert set(request.headers) == usual | key
    assert request.headers["user-agent"] == "brain"
    assert not {"user", "metadata"} & set(request.json)
    if kind != "anthropic":
        assert request.json["store"] is False


@every_kind
def test_the_key_is_put_in_by_the_wire_alone(server: StandInCloud, kind: str) -> None:
    asked(server, kind)
    headers = server.requests[0].headers
    assert KEY in headers.get("x-api-key", headers.get("authorization", ""))
    assert cloud.NOT_THE_KEY not in str(headers)


@every_kind
def test_what_forbids_it_stops_it_before_a_byte_leaves(
    server: StandInCloud, kind: str
) -> None:
    @contextmanager
    def never(_sending: Sending) -> Iterator[None]:
        raise Refused("a rule forbids it", "ask another")
        yield

    with pytest.raises(Refused, match="a rule forbids it"):
        generate(call(server, kind), KEY, never)
    assert server.requests == []


@every_kind
def test_an_address_in_the_environment_leads_nowhere(
    server: StandInCloud, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both packages obey these variables even when they are handed a client."""
    with StandInCloud() as other:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", other.url)
        monkeypatch.setenv("OPENAI_BASE_URL", f"{other.url}/v1")
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, other.url)
        asked(server, kind)
        assert other.requests == []
    assert len(server.requests) == 1


def test_a_request_to_another_address_is_stopped(server: StandInCloud) -> None:
    """Whatever a package makes of an address: the wire sends to the endpoint that it was made for."""
    import httpx2

    from brain.models.cloud_wire import CloudWire

    maker = server.maker("anthropic")
    wire = CloudWire(maker.endpoint, {}, maker.host, cloud.LIMITS, nothing_asked)
    with httpx2.Client(transport=wire, trust_env=False) as client:
        for method, path in (("POST", "/v1/other"), ("GET", "/v1/messages")):
            with pytest.raises(LedElsewhere, match="was stopped"):
                client.request(method, f"{server.url}{path}")
        with pytest.raises(LedElsewhere, match=r"example\.org"):
            client.post("https://example.org/v1/messages")
    assert server.requests == []


@every_kind
@streamed_or_not
def test_a_redirect_is_not_followed(
    server: StandInCloud, kind: str, streamed: bool
) -> None:
    with StandInCloud() as other:
        server.faults = Faults(redirect=f"{other.url}/v1/messages")
        with pytest.raises(LedElsewhere, match="another address"):
            asked(server, kind, streamed=streamed)
        assert other.requests == []


BY_STATUS = {
    400: (cloud_errors.RequestWrong, "max_tokens"),
    401: (cloud_errors.KeyNotTaken, "brain cloud enable"),
    402: (cloud_errors.NoCredit, "credit"),
    403: (cloud_errors.NotAllowed, "claude-x"),
    404: (cloud_errors.ModelGone, "retired"),
    429: (cloud_errors.TooOften, "again"),
    500: (cloud_errors.MakerBroken, "500"),
    529: (cloud_errors.Overloaded, "overloaded"),
}


@every_kind
@streamed_or_not
@pytest.mark.parametrize("status", BY_STATUS)
def test_each_status_has_an_error_of_its_own_and_is_sent_once(
    server: StandInCloud, kind: str, streamed: bool, status: int
) -> None:
    server.faults = Faults(status=status)
    error = failed(server, kind, streamed=streamed)
    expected, word = BY_STATUS[status]
    assert type(error) is expected
    assert word in f"{error.message} {error.hint}"
    assert error.used == Usage(0, 0)
    assert error.status == status
    assert error.down is (status >= 500)
    assert len(server.requests) == 1


@every_kind
@pytest.mark.parametrize(
    ("wait", "shown"),
    [("30", "in 30 s"), ("Sat, 28 Nov 2026 10:00:00 GMT", "at Sat, 28 Nov 2026")],
)
def test_the_time_to_ask_again_is_said(
    server: StandInCloud, kind: str, wait: str, shown: str
) -> None:
    server.faults = Faults(status=429, retry_after=wait)
    error = failed(server, kind)
    assert shown in error.hint
    assert error.wait == wait
    assert len(server.requests) == 1


@every_kind
@streamed_or_not
@pytest.mark.parametrize("status", [200, 403, 502])
def test_a_page_of_html_is_no_answer(
    server: StandInCloud, kind: str, streamed: bool, status: int
) -> None:
    server.faults = Faults(page=True, status=status)
    error = failed(server, kind, streamed=streamed)
    assert "<" not in error.message
    if status == 502:
        assert isinstance(error, cloud_errors.MakerBroken)
    else:
        assert isinstance(error, cloud_errors.NotTheInterface)


@every_kind
@streamed_or_not
def test_a_refusal_is_said_and_billed(
    server: StandInCloud, kind: str, streamed: bool
) -> None:
    server.faults = Faults(refuse=True)
    error = failed(server, kind, streamed=streamed)
    assert isinstance(error, cloud_errors.Declined)
    assert error.used is not None
    assert error.used.tokens_in > 0
    assert not error.down


@every_kind
@pytest.mark.parametrize("pieces", [0, 2])
def test_a_stream_that_ends_early_is_no_answer(
    server: StandInCloud, kind: str, pieces: int
) -> None:
    server.faults = Faults(cut_after=pieces)
    with pytest.raises(cloud_errors.CutShort) as caught:
        generate(call(server, kind), KEY, nothing_asked, hear=lambda _text: None)
    assert caught.value.partial == "".join(["Black ", "tea "][:pieces])
    assert caught.value.used is None
    assert caught.value.exit_code == 6


@every_kind
def test_an_error_inside_a_stream_is_no_answer(server: StandInCloud, kind: str) -> None:
    server.faults = Faults(error_after=1)
    with pytest.raises(cloud_errors.CutShort) as caught:
        generate(call(server, kind), KEY, nothing_asked, hear=lambda _text: None)
    assert caught.value.partial == "Black "


@every_kind
def test_a_whole_answer_that_ends_early_is_no_answer(
    server: StandInCloud, kind: str
) -> None:
    server.faults = Faults(cut_whole=True)
    error = failed(server, kind)
    assert isinstance(error, cloud_errors.CutShort)
    assert error.used is None


@every_kind
def test_garbage_in_a_stream_is_no_answer(server: StandInCloud, kind: str) -> None:
    server.faults = Faults(garbage=True)
    with pytest.raises(cloud_errors.NotTheInterface):
        generate(call(server, kind), KEY, nothing_asked, hear=lambda _text: None)


@every_kind
def test_a_compressed_answer_is_not_unpacked(server: StandInCloud, kind: str) -> None:
    """Nobody asked for it, and a small one can become gigabytes."""
    server.faults = Faults(compressed=True)
    assert isinstance(failed(server, kind), cloud_errors.NotTheInterface)


@every_kind
def test_an_answer_that_is_too_long_is_given_up(
    server: StandInCloud, kind: str
) -> None:
    """Nothing that comes may fill the memory."""
    small = replace(cloud.LIMITS, body=1 << 20)
    server.faults = Faults(padding=1 << 18)
    assert asked(server, kind, limits=small)
    server.faults = Faults(padding=1 << 21)
    assert isinstance(failed(server, kind, limits=small), cloud_errors.NotTheInterface)


@every_kind
@streamed_or_not
def test_a_server_that_falls_silent_is_given_up(
    server: StandInCloud, kind: str, streamed: bool
) -> None:
    server.says = lambda prompt: "Black tea." if streamed else silent(prompt)
    server.faults = Faults(stall_after=1, stall=30.0)
    short = replace(cloud.LIMITS, idle=0.2)
    with pytest.raises(cloud_errors.TooSlow) as caught:
        hear = (lambda _text: None) if streamed else None
        generate(call(server, kind), KEY, nothing_asked, hear=hear, limits=short)
    assert caught.value.used is None
    assert caught.value.partial == ("Black " if streamed else "")
    assert caught.value.down


def silent(_prompt: str) -> str:
    import time

    time.sleep(30.0)
    return ""


@every_kind
def test_a_server_that_is_not_there_costs_nothing(kind: str) -> None:
    with StandInCloud() as gone:
        asking = call(gone, kind)
    with pytest.raises(cloud_errors.Unreachable) as caught:
        generate(asking, KEY, nothing_asked)
    assert caught.value.used == Usage(0, 0)
    assert caught.value.down


@pytest.mark.parametrize("kind", ["openai", "compatible"])
@streamed_or_not
def test_a_server_that_does_not_count_says_so(
    server: StandInCloud, kind: str, streamed: bool
) -> None:
    server.faults = Faults(uncounted=True)
    assert asked(server, kind, streamed=streamed).used is None


@pytest.mark.slow
def test_the_packages_write_no_log_of_what_is_asked() -> None:
    """A variable of the environment makes both of them print every request in full."""
    code = (
        "from tests.models.test_cloud import *\n"
        "with StandInCloud() as server:\n"
        "    for kind in KINDS: asked(server, kind)\n"
    )
    noisy = {
        **os.environ,
        "ANTHROPIC_LOG": "debug",
        "OPENAI_LOG": "debug",
        "ANTHROPIC_API_KEY": "sk-of-the-environment",
    }
    run = subprocess.run(
        [sys.executable, "-c", code], env=noisy, capture_output=True, text=True
    )
    assert (run.returncode, run.stdout + run.stderr) == (0, "")


def test_an_address_of_ones_own_is_a_third_kind() -> None:
    maker = maker_of("http://127.0.0.1:8000/v1/")
    assert (maker.name, maker.host) == ("127.0.0.1:8000", "127.0.0.1:8000")
    assert maker.endpoint == "http://127.0.0.1:8000/v1/chat/completions"
    assert maker_of("http://192.168.1.4:8000/v1").kind == "compatible"
    assert maker_of("anthropic") is ANTHROPIC
    assert OPENAI.endpoint == "https://api.openai.com/v1/chat/completions"
    assert ANTHROPIC.endpoint == "https://api.anthropic.com/v1/messages"


@pytest.mark.parametrize(
    "word",
    [
        "gemini",
        "ftp://gpu.example.org/v1",
        "https://",
        "https://me:secret@gpu.example.org/v1",
        "http://gpu.example.org/v1",
        "http://93.184.216.34/v1",
        "https://gpu.example.org/v1?key=1",
    ],
)
def test_what_is_no_maker_is_refused(word: str) -> None:
    with pytest.raises(UsageError) as caught:
        maker_of(word)
    assert caught.value.hint


def test_every_known_maker_says_what_it_keeps_and_when_that_was_known() -> None:
    for maker in KNOWN.values():
        assert "days" in maker.keeps
        assert maker.known
        assert maker.account


def test_a_package_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "anthropic", None)
    with StandInCloud() as server, pytest.raises(BrainError) as caught:
        asked(server, "anthropic")
    assert "sovereign-brain[cloud]" in caught.value.hint


def test_the_packages_are_silenced(server: StandInCloud) -> None:
    asked(server, "anthropic")
    assert not logging.getLogger("anthropic._base_client").isEnabledFor(logging.ERROR)


@contextmanager
def of_its_own_making(place: Path) -> Iterator[tuple[int, Path]]:
    """A server whose certificate nobody gave it: its port and that certificate. It takes one caller."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    other = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=36_500))
        .add_extension(other, critical=False)
        .sign(key, SHA256())
    )
    file = place / "certificate.pem"
    plain = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    signed = certificate.public_bytes(Encoding.PEM)
    file.write_bytes(key.private_bytes(*plain) + signed)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        work = threading.Thread(target=greet, args=(listening, context))
        work.start()
        yield listening.getsockname()[1], file
        work.join()


def greet(listening: socket.socket, context: ssl.SSLContext) -> None:
    caller, _address = listening.accept()
    with suppress(OSError), context.wrap_socket(caller, server_side=True) as secure:
        secure.recv(1)


def test_a_certificate_that_the_environment_alone_trusts_counts_for_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever sets a variable would read along otherwise."""
    asked_for: list[Sending] = []

    def before(sending: Sending) -> AbstractContextManager[None]:
        asked_for.append(sending)
        return nullcontext()

    with of_its_own_making(tmp_path) as (port, certificate):
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        cloud_wire._trusted.cache_clear()
        maker = replace(OPENAI, base_url=f"https://localhost:{port}/v1")
        with pytest.raises(CloudFault, match="cannot be reached"):
            generate(Call(maker, "x", "", "How hot?", 20), KEY, before)
    assert len(asked_for) == 1
