"""What systemd is told by a service that it started: that it is ready, lives, and ends. One line over a local socket.

Where no service manager asked for it (NOTIFY_SOCKET is not set) nothing is sent. Leaves when to tell to the caller.
Serves `brain serve`. The protocol: sd_notify(3).
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from contextlib import suppress

SOCKET = "NOTIFY_SOCKET"
READY = "READY=1"
ALIVE = "WATCHDOG=1"
ENDING = "STOPPING=1"


def tell(what: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Send one of the above; whether it was sent. Only a socket of this machine is spoken to."""
    place = environ.get(SOCKET, "")
    if place[:1] not in ("/", "@") or not hasattr(socket, "AF_UNIX"):
        return False
    address = place
    if place.startswith("@"):  # one without a file (unix(7), "abstract")
        address = f"\0{place[1:]}"
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(what.encode(), address)
        return True
    return False
