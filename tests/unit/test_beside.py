"""Work in a second process gives what it would give in this one, errors too."""

from __future__ import annotations

import os
import signal
from contextlib import suppress

import pytest

from stackgen.beside import beside


@pytest.mark.parametrize("processes", [1, 2])
def test_the_result_is_that_of_the_work(processes: int) -> None:
    data = [("a", ("b", 1)), ("c" * 1_000_000, None)]
    with beside(lambda: data, processes=processes) as result:
        assert result() == data


@pytest.mark.parametrize("processes", [1, 2])
def test_an_error_is_raised_where_the_result_is_asked_for(processes: int) -> None:
    def fail() -> int:
        message = "as it is"
        raise LookupError(message)

    with beside(fail, processes=processes) as result, pytest.raises(LookupError, match="as it is"):
        result()


def test_what_the_other_process_cannot_send_is_done_here() -> None:
    with beside(object, processes=2) as result:
        assert type(result()) is object


def test_work_whose_process_is_killed_is_done_here() -> None:
    here = os.getpid()

    def work() -> str:
        if os.getpid() != here:
            os.kill(os.getpid(), signal.SIGKILL)
        return "done"

    with beside(work, processes=2) as result:
        assert result() == "done"


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs a second processor")
def test_nothing_is_left_of_work_that_nobody_waits_for() -> None:
    reader, writer = os.pipe()

    def work() -> None:
        os.write(writer, str(os.getpid()).encode())
        signal.pause()

    with suppress(LookupError), beside(work, processes=2):
        child = int(os.read(reader, 100))
        raise LookupError
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)
    os.close(reader)
    os.close(writer)
