"""Processes that evaluate tasks, one task at a time, and that never outlive the process that started them.

A worker reads tasks from a pipe and writes results to another. It ends when its pipe of tasks does, at once and in the
middle of a task: so it ends with its parent, however that ends. Workers are in process groups of their own, so that
Ctrl-C on a terminal reaches the parent alone.
"""

from __future__ import annotations

import os
import pickle
import selectors
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from queue import SimpleQueue
from threading import Thread
from typing import Any


def processors() -> int:
    """Return the number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def map_in_processes(
    function: Callable[[Any], Any], tasks: Sequence[Any], count: int
) -> Iterator[tuple[int, Any]]:
    """Yield (index of a task, result) as tasks are done, with `count` processes; None for one that ends its process.

    function: importable in another process, and raises nothing. Tasks and results are pickled.
    """
    left = list(reversed(range(len(tasks))))
    with ExitStack() as stack, selectors.DefaultSelector() as selector:

        def start() -> None:
            worker = stack.enter_context(_Worker(function))
            give(worker)

        def give(worker: _Worker) -> None:
            worker.give(left[-1], tasks[left.pop()])
            selector.register(worker.results, selectors.EVENT_READ, worker)

        for _ in range(min(count, len(tasks))):
            start()
        while selector.get_map():
            for key, _ in selector.select():
                worker: _Worker = key.data
                selector.unregister(worker.results)
                index, found = worker.index, worker.take()
                if found is None and left:
                    start()
                elif left:
                    give(worker)
                yield index, None if found is None else found[0]


class _Worker:
    """A process, and the task that it has."""

    def __init__(self, function: Callable[[Any], Any]):
        self.index = -1
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            process_group=0,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        assert self.process.stdin is not None and self.process.stdout is not None
        self.results = self.process.stdout
        self._send(function)

    def __enter__(self) -> _Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def give(self, index: int, task: Any) -> None:
        """Send a task."""
        self.index = index
        self._send(task)

    def take(self) -> tuple[Any] | None:
        """Return the result of the task, in a tuple; None if the process has ended instead."""
        try:
            return (pickle.load(self.results),)
        except (EOFError, pickle.UnpicklingError):
            return None

    def _send(self, what: Any) -> None:
        stdin = self.process.stdin
        assert stdin is not None
        try:
            pickle.dump(what, stdin)
            stdin.flush()
        except BrokenPipeError:  # it has ended, which `take` finds
            pass


def _main() -> None:
    """Evaluate what comes from stdin, and write the results to stdout."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    results = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever libraries print is no result
    tasks: SimpleQueue[Any] = SimpleQueue()
    Thread(target=_read, args=(tasks,), daemon=True).start()
    function = tasks.get()
    while True:
        pickle.dump(function(tasks.get()), results)
        results.flush()


def _read(tasks: SimpleQueue[Any]) -> None:
    """Queue what comes from stdin; at its end, end the process."""
    try:
        while True:
            tasks.put(pickle.load(sys.stdin.buffer))
    finally:
        os._exit(0)


if __name__ == "__main__":
    _main()
