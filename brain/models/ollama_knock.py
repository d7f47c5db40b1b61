"""Whether anybody listens where Ollama should be, asked of the system before an HTTP library is loaded.

Most machines run no Ollama, and a tenth of a cold answer went into loading httpx to learn it. Only this machine is
asked, which refuses at once. Leaves out what a server that listens says. Serves `ollama`.
"""

from __future__ import annotations

import socket

from brain.models.locality import Address, is_loopback
from brain.tripwire import permitted

WAIT_SECONDS = (
    0.2  # of a port that neither takes nor refuses: whoever asks next has the patience
)


def nobody_listens(address: Address) -> bool:
    """True when every way to the address is refused by this machine; False when it cannot be told so soon."""
    return all(_refuses(host, address.port) for host in address.hosts)


def _refuses(host: str, port: int) -> bool:
    if not is_loopback(host):
        return False
    address = (host, port)
    try:
        # Held as by every connection of Ollama's client, so that a look from outside sees whose it is
        with (
            permitted(host, port),
            socket.create_connection(address, timeout=WAIT_SECONDS),
        ):
            return False
    except TimeoutError:
        return False
    except OSError:
        return True
