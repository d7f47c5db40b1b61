"""Nothing leaves: the whole day of a person, in a process that may not open a connection at all."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.end_to_end import ROOT, brain, home, process

CORPUS = ROOT / "sample_corpus"

# In every Python process that the test starts, before anything of ours is imported (it is their sitecustomize): every attempt to
# speak to anything that is not this machine, and every question for a name, is written down and refused. Loopback is
# where a local model server lives.
GUARD = """
import json, os, sys
def guard(event, arguments):
    if event not in ("socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname", "socket.bind"):
        return
    target = arguments[0] if event.startswith(("socket.getaddrinfo", "socket.gethostbyname")) else arguments[1]
    host = target[0] if isinstance(target, tuple) else target
    if isinstance(host, bytes):
        host = host.decode("utf-8", "replace")
    if host is None or str(host).startswith(("127.", "::1")) or (event == "socket.bind" and not host):
        return
    with open(os.environ["SEEN"], "a") as file:
        file.write(json.dumps([event, str(host)]) + "\\n")
    raise PermissionError(f"{event} to {host} is not allowed in this test")
sys.addaudithook(guard)
with open(os.environ["SEEN"] + ".guarded", "a") as file:
    file.write(f"{os.getpid()}\\n")
"""
DAY = [
    ["add", "sample_corpus"],
    ["add", "--note", "Call Ana about the lease"],
    ["search", "how hot for black tea"],
    ["search", "boiler", "--lexical", "--explain"],
    ["ask", "how hot should the water be for black tea?"],
    ["ask", "-c", "and for green tea?"],
    ["remember", "We chose SQLite because one file is enough"],
    ["recall", "black tea"],
    ["sync"],
    ["status"],
    ["models", "list"],
    ["list"],
]


@pytest.fixture
def guarded(tmp_path: Path) -> dict[str, str]:
    """An environment whose Python processes are all guarded; SEEN is where they write what they refused."""
    (tmp_path / "guard").mkdir()
    (tmp_path / "guard" / "sitecustomize.py").write_text(GUARD)
    return {"SEEN": str(tmp_path / "seen"), "PYTHONPATH": str(tmp_path / "guard")}


def refused(environ: dict[str, str]) -> list[str]:
    """What was refused, and proof that there was a guard."""
    assert Path(environ["SEEN"] + ".guarded").read_text()
    seen = Path(environ["SEEN"])
    return seen.read_text().splitlines() if seen.exists() else []


@pytest.mark.fault
def test_every_verb_works_with_every_connection_refused(
    tmp_path: Path, guarded: dict[str, str]
) -> None:
    """With models left to "auto": Ollama is looked for on this machine and nowhere else."""
    environ = {
        **guarded,
        "BRAIN_MODELS_EMBED": "auto",
        "BRAIN_MODELS_ASK": "auto",
        "BRAIN_OLLAMA_HOST": "http://127.0.0.1:9",
    }
    words = [*DAY, ["export", str(tmp_path / "out")]]
    code = "import json, os\nfrom brain.doors.cli import run\nfor words in json.loads(os.environ['DAY']):\n    code = run(words)\n    assert code == 0, (words, code)"
    ran = process("--version", environ={**environ, "DAY": json.dumps(words)}, code=code)
    assert (ran.code, "Traceback" in ran.stderr) == (0, False), ran.stderr
    assert refused(guarded) == []
    assert list((tmp_path / "out" / "documents").rglob("*.md"))


@pytest.mark.fault
def test_chroma_too_stays_at_home(guarded: dict[str, str]) -> None:
    """The vector index in its own process: it used to phone home, and downloads a model when it is asked to embed."""
    code = (
        "from brain.app import Brain\nfrom brain.config import load\nfrom pathlib import Path\nfrom brain.index import Indexes, snapshot\n"
        "brain = Brain(load())\nbrain.add([Path('sample_corpus')])\nparts = brain.resources\nfp = parts.serving.fingerprint\n"
        "written = snapshot.write(parts.store.vectors, parts.config.index_dir, fp)\nassert written > 50, written\n"
        "with Indexes(parts.store.vectors, parts.config.index_dir, fp, exact_limit=1) as indexes:\n"
        "    index = indexes.index('knowledge')\n"
        "    assert index.query(parts.builtin.embed_query('black tea'), limit=3)\n    assert index.name == 'chroma', index.name\n"
        "brain.close()"
    )
    ran = process("--version", environ=guarded, code=code)
    assert ran.code == 0, ran.stderr
    assert refused(guarded) == []
    assert len(Path(guarded["SEEN"] + ".guarded").read_text().splitlines()) >= 2, (
        "the process that holds Chroma too"
    )


def test_the_guard_can_refuse(guarded: dict[str, str]) -> None:
    code = "import socket\nsocket.create_connection(('203.0.113.9', 80), timeout=1)"
    assert process("--version", environ=guarded, code=code).code != 0
    assert "203.0.113.9" in refused(guarded)[0]


def no_way_out() -> tuple[str, ...]:
    """The words that start a process in a network of its own, without a single interface that is up."""
    if shutil.which("unshare") is None:
        return ()
    ran = subprocess.run(["unshare", "-rn", "true"], capture_output=True, check=False)
    return ("unshare", "-rn") if ran.returncode == 0 else ()


@pytest.mark.skipif(
    not no_way_out(), reason="this machine does not permit network namespaces"
)
def test_add_ask_recall_and_export_in_a_network_with_no_way_out(tmp_path: Path) -> None:
    code = (
        "import json, os\nfrom brain.doors.cli import run\n"
        "import socket\nassert [name for _, name in socket.if_nameindex()] == ['lo']\n"
        "for words in json.loads(os.environ['DAY']):\n    code = run(words)\n    assert code == 0, (words, code)"
    )
    days = [
        ["add", "sample_corpus/home/tea.md"],
        DAY[4],
        DAY[7],
        ["export", str(tmp_path / "out")],
    ]
    environ = {
        "DAY": json.dumps(days),
        "BRAIN_MODELS_EMBED": "auto",
        "BRAIN_MODELS_ASK": "auto",
    }
    ran = process("--version", environ=environ, code=code, prefix=no_way_out())
    assert ran.code == 0, ran.stderr
    assert "96 °C" in ran.stdout
    assert (home() / "brain.db").exists()
    assert list((tmp_path / "out" / "documents").rglob("*.md"))


def test_nothing_is_asked_of_a_proxy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy of the environment sees nothing, not even what is meant for this machine."""
    from tests.stand_in_ollama import StandIn

    with StandIn() as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.setenv("BRAIN_OLLAMA_HOST", "http://127.0.0.1:9")
        monkeypatch.setenv("BRAIN_MODELS_EMBED", "auto")
        monkeypatch.setenv("BRAIN_MODELS_ASK", "auto")
        brain("add", CORPUS / "home" / "tea.md")
        assert brain("ask", "how hot for black tea?").code == 0
        assert brain("status").code == 0
        assert proxy.requests == []
