"""All registered tasks, for tests that run over every one. A task whose data are missing is skipped with the reason."""

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from neurorec.tasks.data_files import data_set_of, missing_data
from neurorec.tasks.task import Task, load_task, tasks


@cache
def loaded(name: str) -> Task:
    """The task with seed 0, loaded once, as are its baselines."""
    return load_task(name, 0)


def task_names(suits: Callable[[Task], bool] = lambda task: True, *, slow_with_data: bool = False) -> list[Any]:
    """The names of tasks that `suits` accepts. `slow_with_data`: data sets are tested with the slow tests."""
    found: list[Any] = []
    for name in tasks:
        if (reason := missing_data(name)) is not None:
            found.append(pytest.param(name, marks=pytest.mark.skip(reason)))
        elif suits(loaded(name)):
            slow = slow_with_data and data_set_of(name) is not None
            found.append(pytest.param(name, marks=pytest.mark.slow if slow else ()))
    return found
