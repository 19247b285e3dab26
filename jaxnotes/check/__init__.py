"""The checker of the lessons' exercises. It asks an answer many questions, the simplest first, shows the first that it
gets wrong, and gives the hint that fits the mistake.

    from jaxnotes.check import en as check        in Chinese: zh as check
    check("E1.1", my_function)

The exercises of a lesson stand in the module of this package that is named after its chapter, in a tuple EXERCISES; to
add one is to add an `Exercise` there. A package, so that each chapter's exercises have a file of their own.
"""

import functools
import pkgutil
from importlib import import_module
from typing import Any

from jaxnotes.check.exercise import Exercise, Mistake, Report, examine

__all__ = ["Exercise", "Mistake", "Report", "en", "examine", "exercises", "zh"]


@functools.cache
def exercises() -> dict[str, Exercise]:
    """Every exercise by its id, in the order of the ids.

    Returns:
        A dict from ids to `Exercise`.

    >>> list(exercises())[:2]
    ['E0.1', 'E1.1']
    """
    modules = [import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)]
    every = [exercise for module in modules for exercise in getattr(module, "EXERCISES", ())]
    return {exercise.id: exercise for exercise in sorted(every, key=_order)}


def en(exercise: str, answer: Any) -> None:
    """Examine an answer and print the report in English.

    Args:
        exercise: its id, such as "E1.1".
        answer: what the lesson asks for, mostly a function.

    Raises:
        ValueError: there is no such exercise.

    >>> en("E0.1", lambda x: x @ x)
    E0.1 ✗ not yet; the smallest counterexample is
        x = [1., 1.]
        expected 1, got 2
    Hint: this is the sum of the squares; the mean divides it by the number of entries.
    """
    print(_report(exercise, answer).text("en"))


def zh(exercise: str, answer: Any) -> None:
    """检查一道练习的答案，用中文报告结果。

    Args:
        exercise: 练习编号，如 "E1.1"。
        answer: 所求的答案，通常是一个函数。

    Raises:
        ValueError: 没有这道练习。

    >>> zh("E0.1", lambda x: (x @ x) / len(x))
    E0.1 ✓ 通过：12 个算例全部正确。
    """
    print(_report(exercise, answer).text("zh"))


def _report(exercise: str, answer: Any) -> Report:
    if exercise not in exercises():
        raise ValueError(f"exercise: expected one of {', '.join(exercises())}, got {exercise!r}.")
    return examine(exercises()[exercise], answer)


def _order(exercise: Exercise) -> tuple[int, ...]:
    return tuple(int(part) for part in exercise.id.removeprefix("E").split("."))
