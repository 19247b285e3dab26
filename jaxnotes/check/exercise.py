"""What an exercise is, and how an answer is examined: on many inputs, against the truth and against known mistakes.

The cases stand in order of simplicity, so the first one that fails is the smallest counterexample. A wrong answer that
agrees with a known mistake on every case has made that mistake, and gets its hint.
"""

import contextlib
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxnotes.check.diagnosis import Examination, Hint, Raised, diagnose, raised
from jaxnotes.core.values.compat import x64

Case = dict[str, Any]


class Mistake(NamedTuple):
    """A wrong answer that learners give, and what to tell them, in both languages.

    Attributes:
        answer: the wrong one.
        zh: the hint in Chinese.
        en: the hint in English.
    """

    answer: Any
    zh: str
    en: str


def _call(answer: Any, **case: Any) -> Any:
    """What the answer gives for the inputs.

    Args:
        answer: a function of the inputs in their order.
        case: the inputs by name.

    Returns:
        Whatever it returns.
    """
    return answer(*case.values())


@dataclass(frozen=True)
class Exercise:
    """One exercise: what is asked, what is right, and what goes wrong.

    Attributes:
        id: as in the lesson, "E1.1".
        truth: a right answer.
        cases: makes the inputs, simplest first, each a dict from the name of an input to its value.
        mistakes: each must differ from the truth, and from the others, on some case.
        ask: what is compared, ask(answer, **case); by default the answer called with the inputs.
        tol: tolerance relative to the largest entry expected, default 1e-4.
        double: whether to examine in float64, default False.
    """

    id: str
    truth: Any
    cases: Callable[[], Sequence[Case]]
    mistakes: tuple[Mistake, ...]
    ask: Callable[..., Any] = _call
    tol: float = 1e-4
    double: bool = False


class Report(NamedTuple):
    """What was found.

    Attributes:
        id: of the exercise.
        count: how many cases there are.
        case: the first that fails, None where all is well.
        expected: what was right there.
        got: what came out there.
        hint: what to tell: that of the known mistake, or of a general form of being wrong; None without either.
        empty: whether the answer has not been written yet.
    """

    id: str
    count: int
    case: Case | None = None
    expected: Any = None
    got: Any = None
    hint: Mistake | Hint | None = None
    empty: bool = False

    @property
    def passed(self) -> bool:
        """Whether every case came out right."""
        return self.case is None

    def text(self, lang: str) -> str:
        """The report in words.

        Args:
            lang: "zh" or "en".

        Returns:
            Lines to print, one string.
        """
        words = WORDS[lang]
        if self.case is None:
            return words["passed"].format(id=self.id, count=self.count)
        case = ", ".join(f"{name} = {shown(value)}" for name, value in self.case.items())
        lines = [words["failed"].format(id=self.id), f"    {case}"]
        lines += ["    " + words["compared"].format(expected=shown(self.expected), got=shown(self.got))]
        hint = words["empty"] if self.empty else getattr(self.hint, lang, "")
        return "\n".join([*lines, words["hint"] + hint] if hint else lines)


WORDS = {
    "zh": {
        "passed": "{id} ✓ 通过：{count} 个算例全部正确。",
        "failed": "{id} ✗ 未通过，最小的反例是",
        "compared": "应为 {expected}，得到 {got}",
        "hint": "提示：",
        "empty": "还没有作答：请把 ... 换成你的代码，函数要用 return 返回结果。",
    },
    "en": {
        "passed": "{id} ✓ passed: all {count} cases are right.",
        "failed": "{id} ✗ not yet; the smallest counterexample is",
        "compared": "expected {expected}, got {got}",
        "hint": "Hint: ",
        "empty": "there is no answer yet: replace ... by your code; a function ends with return.",
    },
}


def examine(exercise: Exercise, answer: Any) -> Report:
    """Ask the answer every case and report the first that differs from the truth; the same every time.

    Args:
        exercise: what to examine.
        answer: what a learner gave, mostly a function; ... or a function that returns None is not written yet.

    Returns:
        A `Report`, with the hint that fits: of the known mistake that the answer makes on every case, or a general one.

    >>> square = Exercise("E0.0", lambda x: x**2, lambda: [{"x": 2.0}, {"x": 3.0}], mistakes=())
    >>> examine(square, lambda x: 2 * x).case
    {'x': 3.0}
    """
    with contextlib.ExitStack() as settings:
        # An exercise is about its subject: not about the precision of the device, nor about the session's strictness.
        settings.enter_context(jax.default_matmul_precision("highest"))
        settings.enter_context(jax.numpy_rank_promotion("allow"))
        if exercise.double:
            settings.enter_context(x64())
        cases = exercise.cases()
        expected, got = _outcomes(exercise, exercise.truth, cases), _outcomes(exercise, answer, cases)
        right = [agree(one, other, exercise.tol) for one, other in zip(expected, got, strict=True)]
        if all(right):
            return Report(exercise.id, len(cases))
        first = right.index(False)
        empty = answer is ... or got[first] is None
        hint = (
            None
            if empty
            else _recognized(exercise, cases, got, first) or _diagnosed(exercise, answer, cases, expected, got)
        )
        return Report(exercise.id, len(cases), cases[first], expected[first], got[first], hint, empty)


def _recognized(exercise: Exercise, cases: Sequence[Case], got: list[Any], first: int) -> Mistake | None:
    """The mistake that gives the same on every case; or else, of several questions, on the first that is wrong."""
    known = [_outcomes(exercise, mistake.answer, cases) for mistake in exercise.mistakes]
    spans = [slice(None)] if callable(exercise.truth) else [slice(None), slice(first, first + 1)]
    for span in spans:
        for mistake, outcomes in zip(exercise.mistakes, known, strict=True):
            if all(agree(one, other, exercise.tol) for one, other in zip(outcomes[span], got[span], strict=True)):
                return mistake
    return None


def _diagnosed(
    exercise: Exercise, answer: Any, cases: Sequence[Case], expected: list[Any], got: list[Any]
) -> Hint | None:
    return diagnose(Examination(answer, cases, expected, got, lambda one, other: agree(one, other, exercise.tol)))


def _outcomes(exercise: Exercise, answer: Any, cases: Sequence[Case]) -> list[Any]:
    return [_outcome(exercise.ask, answer, case) for case in cases]


class _Unanswered(Exception):
    """The answer returned nothing."""


def _outcome(ask: Callable[..., Any], answer: Any, case: Case) -> Any:
    """What comes out, with None for an answer that is not written yet, however the exercise asks."""

    def answered(*inputs: Any) -> Any:
        if (value := answer(*inputs)) is None or value is ...:
            raise _Unanswered
        return value

    try:
        return _plain(ask(answered if callable(answer) else answer, **case))
    except _Unanswered:
        return None
    except Exception as error:  # whatever a learner's function raises is an outcome like any other
        return raised(error)


def _plain(value: Any) -> Any:
    """Lists as tuples, and whatever has a shape as a NumPy array."""
    if isinstance(value, (list, tuple)):
        return tuple(map(_plain, value))
    return np.asarray(value) if hasattr(value, "shape") else value


def agree(one: Any, other: Any, tol: float) -> bool:
    """Whether two outcomes are the same: equal up to tol times the largest entry, of one shape; errors of one type."""
    if isinstance(one, Raised) or isinstance(other, Raised):
        return isinstance(one, Raised) and isinstance(other, Raised) and one.error == other.error
    if isinstance(one, tuple) or isinstance(other, tuple):
        together = isinstance(one, tuple) and isinstance(other, tuple) and len(one) == len(other)
        return together and all(agree(*pair, tol) for pair in zip(one, other, strict=True))
    numbers = (bool, int, float, np.ndarray, np.generic)
    if not isinstance(one, numbers) or not isinstance(other, numbers):
        return type(one) is type(other) and one == other
    one, other = np.asarray(one, np.float64), np.asarray(other, np.float64)
    scale = np.abs(one[np.isfinite(one)]).max(initial=0.0)
    return one.shape == other.shape and np.allclose(one, other, rtol=0, atol=tol * scale + 1e-12, equal_nan=True)


def shown(value: Any) -> str:
    """A value in a report: short, and a function by the first line of its docstring."""
    if isinstance(value, Raised):
        return f"{value.error}: {value.message}"
    if isinstance(value, tuple):
        return f"({', '.join(map(shown, value))}{',' if len(value) == 1 else ''})"
    if callable(value):
        return (inspect.getdoc(value) or getattr(value, "__name__", "a function")).splitlines()[0]
    if isinstance(value, (bool, str)) or value is None:
        return str(value)
    if hasattr(value, "shape") and np.ndim(value):
        array = np.asarray(value)
        text = np.array2string(array, precision=4, separator=", ", threshold=16, suppress_small=True)
        return " ".join(text.split()) + ("" if array.size < 17 else f" of shape {array.shape}")
    return f"{float(value):.6g}" if hasattr(value, "__float__") else str(value)
