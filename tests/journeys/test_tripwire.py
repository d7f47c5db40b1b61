"""No connection leaves this machine that nobody meant to make: every way of Python's sockets, tried."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from brain import tripwire
from brain.errors import Refused
from brain.models.limits import Limits
from brain.models.locality import Address
from brain.models.ollama_wire import OllamaHttp
from tests.end_to_end import ROOT
from tests.stand_in_ollama import StandIn

FAR = "203.0.113.9"  # set aside for documentation (RFC 5737): nobody is there
FAR_6 = "2001:db8::1"
PORT = 443


def udp(address: tuple[str, int], family: int = socket.AF_INET) -> None:
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"a note", address)


def message(address: tuple[str, int]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendmsg([b"a note"], [], 0, address)


def connected(
    address: tuple[str, int], kind: int = socket.SOCK_STREAM, how: str = "connect_ex"
) -> None:
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.settimeout(0.2)
        getattr(sock, how)(address)


WAYS: dict[str, Callable[[], object]] = {
    "connect": lambda: connected((FAR, PORT), how="connect"),
    "connect_ex": lambda: connected((FAR, PORT)),
    "connect of UDP": lambda: connected((FAR, PORT), socket.SOCK_DGRAM),
    "sendto": lambda: udp((FAR, 53)),
    "sendto by the newer protocol": lambda: udp((FAR_6, 53), socket.AF_INET6),
    "sendmsg": lambda: message((FAR, 53)),
    "getaddrinfo": lambda: socket.getaddrinfo("a-secret.example.org", PORT),
    "getaddrinfo of bytes": lambda: socket.getaddrinfo(b"a-secret.example.org", PORT),
    "gethostbyname": lambda: socket.gethostbyname("a-secret.example.org"),
    "gethostbyname_ex": lambda: socket.gethostbyname_ex("a-secret.example.org"),
    "gethostbyaddr": lambda: socket.gethostbyaddr(FAR),
    "getnameinfo": lambda: socket.getnameinfo((FAR, PORT), 0),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_out_is_stopped(way: str) -> None:
    with pytest.raises(Refused, match="a way out of this machine was stopped"):
        WAYS[way]()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.9.9.9"])
def test_this_machine_is_reached(host: str) -> None:
    with socket.create_server((host, 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection((host, port)) as client:
            client.sendall(b"x")
        udp((host, port))
        message((host, port))
    assert socket.getaddrinfo("::1", PORT)
    assert socket.getaddrinfo(None, PORT)


def test_a_socket_file_is_of_this_machine(tmp_path: Path) -> None:
    near, far = socket.socketpair()
    with near, far:
        near.sendmsg([b"x"])
        assert far.recv(1) == b"x"
    with socket.socket(socket.AF_UNIX) as sock, pytest.raises(FileNotFoundError):
        sock.connect("no-such-file")


def called(host: str, port: int) -> str:
    """What becomes of a call: "stopped" by the tripwire, or "" where it was let through, and nobody answered."""
    with socket.socket() as sock:
        sock.settimeout(0.05)
        try:
            sock.connect_ex((host, port))
        except Refused:
            return "stopped"
    return ""


def test_what_is_held_may_be_called_and_nothing_else() -> None:
    with tripwire.permitted(FAR, PORT):
        assert called(FAR, PORT) == ""
        assert called(FAR, PORT + 1) == "stopped"
        assert called("203.0.113.10", PORT) == "stopped"
    assert called(FAR, PORT) == "stopped"


def test_a_name_that_is_held_may_be_looked_up_and_its_port_called() -> None:
    with tripwire.permitted("nobody.invalid", PORT):
        with pytest.raises(socket.gaierror):
            socket.getaddrinfo("nobody.invalid", PORT)
        with pytest.raises(Refused):
            socket.getaddrinfo("other.invalid", PORT)
        # its address is not known before it is asked for
        assert called(FAR, PORT) == ""
        assert called(FAR, 53) == "stopped"


def test_what_one_thread_holds_serves_no_other() -> None:
    found = []
    with tripwire.permitted(FAR, PORT):
        other = threading.Thread(target=lambda: found.append(called(FAR, PORT)))
        other.start()
        other.join()
    assert found == ["stopped"]


def test_it_is_let_go_also_after_a_failure() -> None:
    with pytest.raises(ZeroDivisionError), tripwire.permitted(FAR, PORT):
        raise ZeroDivisionError
    assert called(FAR, PORT) == "stopped"


def test_a_trusted_host_of_ollama_is_reached() -> None:
    """The one way out that a person can open without the gate: `trusted_hosts`, for a server in their own net."""
    with StandIn() as server:
        port = int(server.url.rpartition(":")[2])
        trusted = Address("localhost", port, (FAR, "127.0.0.1"))
        # the first of its addresses is let through and does not answer; the second one does
        client = OllamaHttp(trusted, Limits.of(connect=0.4, idle=5.0, total=5.0))
        status, _version = client.json("GET", "/api/version")
    assert status == 200


@pytest.mark.parametrize("way", ["main", "child"])
def test_it_is_set_where_processes_begin(way: str) -> None:
    begun = {
        "main": "from brain.doors.cli import main\ntry: main(['--version'])\nexcept SystemExit: pass",
        "child": "from brain.index.chroma_child import answer\nfrom contextlib import ExitStack\ntry: list(answer({'op': 'none', 'details': {}}, b'', ExitStack()))\nexcept Exception: pass",
    }
    call = f"import socket\nfrom brain.errors import Refused\ntry: socket.create_connection(('{FAR}', 443), timeout=.2)\nexcept Refused: print('stopped')"
    run = subprocess.run(
        [sys.executable, "-c", f"{begun[way]}\n{call}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert run.stdout.splitlines()[-1] == "stopped", run.stderr
