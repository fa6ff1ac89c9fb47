"""Where tasks of a sweep run: processes of this computer, joblib, Dask, or any executor of `concurrent.futures`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, as_completed
from typing import Any, TypeAlias

from cmir.support.diagnostics import CompileError
from cmir.sweeps.workers import map_in_processes, processors

ExecutorLike: TypeAlias = "int | Executor | Any | None"
"""A number of processes; an executor of `concurrent.futures`; a `joblib.Parallel`; a client of a Dask cluster; None for
a process for each processor of this computer."""

Done: TypeAlias = "Iterator[tuple[int, Any]]"
"""The index of each task with its result, on completion; the result is None for a task that has killed its process."""


def run_tasks(function: Callable[[Any], Any], tasks: Sequence[Any], executor: ExecutorLike) -> Done:
    """Yield the index of each task with its result, on completion.

    function: importable in other processes; raises nothing and does not return None. Raises CompileError if the
    executor is none, or stops.
    """
    package = type(executor).__module__.partition(".")[0]
    match executor:
        case 1:
            return enumerate(map(function, tasks))
        case int() if executor < 1:
            raise CompileError(None, f"executor must be at least 1 process, got {executor}")
        case None | int():
            return map_in_processes(function, tasks, executor or processors())
        case Executor():
            return _with_futures(function, tasks, executor)
        case _ if package == "joblib":
            return _with_joblib(function, tasks, executor)
        case _ if package == "distributed":
            return _on_cluster(function, tasks, executor)
        case _:
            message = "executor must be a number of processes, an executor of concurrent.futures, a joblib.Parallel or"
            raise CompileError(None, f"{message} a Dask client, got {type(executor).__name__}")


def _with_futures(function: Callable[[Any], Any], tasks: Sequence[Any], executor: Executor) -> Done:
    futures = {executor.submit(function, task): number for number, task in enumerate(tasks)}
    try:
        for future in as_completed(futures):
            yield futures[future], future.result()
    except BrokenExecutor as error:
        message = f"the executor has stopped: {error}; is there enough memory?"
        raise CompileError(None, message) from error
    finally:
        for future in futures:
            future.cancel()


def _with_joblib(function: Callable[[Any], Any], tasks: Sequence[Any], parallel: Any) -> Done:
    """With `return_as="generator_unordered"`, joblib returns results on completion; by default, all at the end."""
    from joblib import delayed  # pyright: ignore[reportMissingTypeStubs]

    call = delayed(_numbered)
    yield from parallel(call(function, number, task) for number, task in enumerate(tasks))


def _numbered(function: Callable[[Any], Any], number: int, task: Any) -> tuple[int, Any]:
    return number, function(task)


def _on_cluster(function: Callable[[Any], Any], tasks: Sequence[Any], client: Any) -> Done:
    from distributed import as_completed  # pyright: ignore[reportMissingImports]
    from distributed.scheduler import KilledWorker  # pyright: ignore[reportMissingImports]

    futures = {
        client.submit(function, task, pure=False): number for number, task in enumerate(tasks)
    }
    for future in as_completed(futures, loop=client.loop):
        try:
            yield futures[future], future.result()
        except KilledWorker:
            yield futures[future], None
