"""The proof of locality, as pure functions: which addresses and names are let through, and that everything else is not."""

from __future__ import annotations

import pytest

from brain.errors import Refused, UsageError
from brain.models.locality import (
    address_of,
    canonical,
    refuse_remote_fields,
    refuse_remote_name,
    refuse_unproven,
)


@pytest.mark.parametrize(
    ("host", "url", "hosts"),
    [
        ("", "http://127.0.0.1:11434", ("127.0.0.1",)),
        ("localhost", "http://localhost:11434", ("127.0.0.1", "::1")),
        ("http://LOCALHOST", "http://localhost:80", ("127.0.0.1", "::1")),
        ("127.0.0.1:8080", "http://127.0.0.1:8080", ("127.0.0.1",)),
        ("http://127.0.0.53:1/", "http://127.0.0.53:1", ("127.0.0.53",)),
        ("[::1]:11434", "http://[::1]:11434", ("::1",)),
        ("0.0.0.0", "http://127.0.0.1:11434", ("127.0.0.1",)),
        (":9999", "http://127.0.0.1:9999", ("127.0.0.1",)),
    ],
)
def test_this_machine(host: str, url: str, hosts: tuple[str, ...]) -> None:
    address = address_of(host)
    assert (address.url, address.hosts) == (url, hosts)


@pytest.mark.parametrize(
    "host",
    [
        "192.168.1.5",
        "gpu.lan:11434",
        "localhost.example.com",
        "127.0.0.1.nip.example",
        "127.1",
        "2130706433",
        "0x7f000001",
        "[::ffff:127.0.0.1]",
        "[fe80::1%25lo]",
        "http://example.com",
        "169.254.169.254",
    ],
)
def test_another_machine_is_refused_and_the_way_out_named(host: str) -> None:
    with pytest.raises(Refused, match="trusted_hosts") as raised:
        address_of(host)
    assert "trusted_hosts" in raised.value.hint


@pytest.mark.parametrize(
    "trusted", ["gpu.lan", "GPU.lan:11434", "http://gpu.lan:11434/"]
)
def test_a_trusted_host_is_let_through(trusted: str) -> None:
    address = address_of("gpu.lan", [trusted])
    assert address.hosts == ("gpu.lan",)
    with pytest.raises(Refused):
        address_of("other.lan", [trusted])


def test_a_trusted_port_is_that_port() -> None:
    with pytest.raises(Refused):
        address_of("gpu.lan:80", ["gpu.lan:11434"])


@pytest.mark.parametrize(
    "host",
    [
        "https://127.0.0.1",
        "ftp://127.0.0.1",
        "http://user:word@127.0.0.1",
        "http://127.0.0.1/v1",
        "http://[::",
        "127.0.0.1:99999",
        "http://127.0.0.1?x=1",
    ],
)
def test_what_is_no_address(host: str) -> None:
    with pytest.raises(UsageError):
        address_of(host)


def test_a_user_before_the_host_does_not_fool_the_check() -> None:
    with pytest.raises((Refused, UsageError)):
        address_of("http://127.0.0.1@example.com")


@pytest.mark.parametrize(
    "name",
    [
        "a:cloud",
        "a:120b-cloud",
        "A:CLOUD ",
        "ns/a:7b-Cloud",
        "a:cloud:local",
        "a-cloud",
    ],
)
def test_cloud_names(name: str) -> None:
    with pytest.raises(Refused, match="cloud"):
        refuse_remote_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "llama3.2",
        "cloudy:7b",
        "my-cloud/llama:7b",
        "a:clouds",
        "reg.example:5000/x/y:z",
    ],
)
def test_local_names(name: str) -> None:
    refuse_remote_name(name)


def test_fields_that_betray_another_machine() -> None:
    refuse_remote_fields({"name": "x", "remote_host": "", "remote_model": None}, "x")
    for field in ("remote_host", "remote_model"):
        with pytest.raises(Refused, match=field):
            refuse_remote_fields({field: "https://example.com"}, "x")


@pytest.mark.parametrize(
    "shown", [{}, {"model_info": {}}, {"model_info": None}, {"model_info": []}]
)
def test_no_weights_no_proof(shown: dict[str, object]) -> None:
    with pytest.raises(Refused, match="no weights"):
        refuse_unproven(shown, "x")


def test_names_as_the_server_lists_them() -> None:
    assert canonical("Llama3.2") == "llama3.2:latest"
    assert canonical("registry.ollama.ai/library/qwen3:4b:local") == "qwen3:4b"
    assert canonical("reg.example:5000/ns/x") == "reg.example:5000/ns/x:latest"
