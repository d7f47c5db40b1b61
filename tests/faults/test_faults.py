from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from brain.faults import KILLED, VARIABLE, Faults

ROOT = Path(__file__).parents[2]


def test_nothing_happens_without_a_specification() -> None:
    Faults("").reach("anywhere")


@pytest.mark.parametrize(("action", "number"), [("enospc", 28), ("eio", 5)])
def test_the_nth_arrival_fails_and_no_other(action: str, number: int) -> None:
    faults = Faults(f"here:2:{action}")
    faults.reach("here")
    faults.reach("there")
    with pytest.raises(OSError, match="fault point here") as caught:
        faults.reach("here")
    assert caught.value.errno == number
    faults.reach("here")


def test_raise_is_a_fault_of_our_own() -> None:
    with pytest.raises(RuntimeError, match="here"):
        Faults("here:1:raise").reach("here")


def test_an_unknown_action_is_refused() -> None:
    with pytest.raises(ValueError, match="explode"):
        Faults("here:1:explode")


def test_exit_ends_the_process_without_flushing() -> None:
    code = "import sys; sys.stdout.write('lost'); from brain.faults import reach; reach('here'); print('alive')"
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={VARIABLE: "here:1:exit"},
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    assert (run.returncode, run.stdout) == (KILLED, b"")


def test_trace_names_every_step_once() -> None:
    code = "from brain.faults import reach; reach('a'); reach('b'); reach('a')"
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={VARIABLE: "*:1:trace"},
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    assert run.stderr.decode().split("\n")[:-1] == ["fault point a", "fault point b"]
