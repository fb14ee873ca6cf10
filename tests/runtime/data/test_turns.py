"""Work that computes takes turns in one thread, but nobody waits long for somebody who is slow."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from gramex.data.turns import Turns


def name_of_thread(number):
    return number, threading.current_thread().name


def test_one_thread_does_all():
    async def main():
        turns = Turns()
        with ThreadPoolExecutor(4, "other") as others:
            return await asyncio.gather(*(turns.take(others, name_of_thread, n) for n in range(50)))

    assert asyncio.run(main()) == [(n, "gramex-data") for n in range(50)]


def test_the_quick_go_past_the_slow():
    release = threading.Event()

    async def main():
        turns = Turns()
        with ThreadPoolExecutor(4, "other") as others:
            slow = asyncio.ensure_future(turns.take(others, release.wait, 60))
            await asyncio.sleep(0)
            quick = await asyncio.wait_for(turns.take(others, name_of_thread, 1), 30)
            release.set()
            return quick, await slow

    (_, thread), waited = asyncio.run(main())
    assert thread.startswith("other")
    assert waited is True


def test_errors_arrive():
    def fail():
        raise LookupError("no")

    async def main():
        await Turns().take(None, fail)

    with pytest.raises(LookupError):
        asyncio.run(main())


def test_whoever_went_away_is_not_answered():
    begun, release = threading.Event(), threading.Event()

    def work():
        begun.set()
        release.wait(60)

    async def main():
        turns = Turns()
        task = asyncio.ensure_future(turns.take(None, work))
        await asyncio.to_thread(begun.wait, 60)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        release.set()
        return await turns.take(None, name_of_thread, 2)

    assert asyncio.run(main()) == (2, "gramex-data")
