"""What is wrong with an answer that makes no known mistake: the general forms of being wrong, in both languages.

Each form is a function of an `Examination` that says whether all wrong cases are wrong in this way. The first that fits
is told.
"""

import inspect
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

Agree = Callable[[Any, Any], bool]


class Hint(NamedTuple):
    """What to tell a learner.

    Attributes:
        zh: in Chinese.
        en: in English.
    """

    zh: str
    en: str


class Raised(NamedTuple):
    """That an answer raised an error in place of returning.

    Attributes:
        error: the name of its type.
        message: its first line.
        line: the line of the learner's own code where it arose, or "".
    """

    error: str
    message: str
    line: str = ""


class Examination(NamedTuple):
    """An answer's outcomes beside the right ones, case by case, and how outcomes are compared.

    Attributes:
        answer: what the learner gave.
        cases: the inputs by name.
        expected: the right outcomes.
        got: the learner's outcomes.
        agree: whether two outcomes are the same.
    """

    answer: Any
    cases: Sequence[dict[str, Any]]
    expected: Sequence[Any]
    got: Sequence[Any]
    agree: Agree

    @property
    def wrong(self) -> list[int]:
        """The cases that came out wrong."""
        return [k for k, pair in enumerate(zip(self.expected, self.got, strict=True)) if not self.agree(*pair)]

    def all_become_right(self, mend: Callable[[Any, dict[str, Any]], Any]) -> bool:
        """Whether mend(outcome, case) of every outcome is right, and it can be done at all."""
        try:
            mended = [mend(outcome, case) for outcome, case in zip(self.got, self.cases, strict=True)]
            return all(self.agree(*pair) for pair in zip(self.expected, mended, strict=True))
        except (TypeError, ValueError, AttributeError, IndexError, ZeroDivisionError):
            return False


def raised(error: Exception) -> Raised:
    """An error as an outcome, with the last line of it that is neither this library's nor another's."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame.line for frame in frames if frame.line and not _is_library(frame.filename)]
    message = str(error).splitlines()[0] if str(error) else ""
    return Raised(type(error).__name__, message, own[-1] if own else "")


def _is_library(filename: str) -> bool:
    return "site-packages" in filename or Path(__file__).parents[1] in Path(filename).parents


def diagnose(examination: Examination) -> Hint | None:
    """The first general form that fits, or None."""
    return next((hint for form in FORMS if (hint := form(examination)) is not None), None)


def _arguments(seen: Examination) -> Hint | None:
    names = list(seen.cases[0])
    try:
        signature = inspect.signature(seen.answer)
        signature.bind(*names)
    except ValueError:
        return None
    except TypeError:
        given = f"({', '.join(signature.parameters)})"
        asked = f"({', '.join(names)})"
        return Hint(f"函数的参数应为 {asked}，你的是 {given}。", f"the function takes {asked}, yours takes {given}.")
    return None


def _exception(seen: Examination) -> Hint | None:
    outcome = seen.got[seen.wrong[0]]
    if not isinstance(outcome, Raised) or not outcome.line:
        return None
    return Hint(f"出错的一行是：{outcome.line}", f"the line that fails is: {outcome.line}")


def _order(seen: Examination) -> Hint | None:
    if seen.all_become_right(lambda got, case: got[::-1] if isinstance(got, tuple) else None):
        return Hint("各部分都对，但次序反了。", "all parts are right, in reverse order.")
    return None


def _undefined_slope(seen: Examination) -> Hint | None:
    pairs = [(seen.expected[k], seen.got[k]) for k in seen.wrong]
    both = [(e, g) for e, g in pairs if isinstance(e, tuple) and isinstance(g, tuple) and len(e) == len(g) > 1]
    if len(both) < len(pairs):
        return None
    if all(seen.agree(e[0], g[0]) and np.any([np.any(np.isnan(part)) for part in g[1:]]) for e, g in both):
        return Hint(
            "值对了，梯度却是 NaN：两个分支都会被求导，见第 10 课的 where。",
            "the value is right and the gradient is NaN: both branches are differentiated, see `where` in lesson 10.",
        )
    return None


def _one_part(seen: Examination) -> Hint | None:
    parts = [(seen.expected[k], seen.got[k]) for k in seen.wrong]
    if not all(isinstance(e, tuple) and isinstance(g, tuple) and len(e) == len(g) > 1 for e, g in parts):
        return None
    false = {j for e, g in parts for j in range(len(e)) if not seen.agree(e[j], g[j])}
    if len(false) != 1:
        return None
    k = false.pop() + 1
    return Hint(f"只有第 {k} 个部分不对。", f"only part {k} of the answer is wrong.")


def _sign(seen: Examination) -> Hint | None:
    if seen.all_become_right(lambda got, case: -got):
        return Hint("符号反了。", "the sign is the wrong way round.")
    return None


def _factor(seen: Examination) -> Hint | None:
    for factor in (2, 0.5):
        if seen.all_become_right(lambda got, case, factor=factor: got * factor):
            return Hint(f"差一个因子：应再乘 {factor:g}。", f"a factor is missing: multiply by {factor:g}.")
    for name in seen.cases[0]:
        count = f"len({name})"
        if seen.all_become_right(lambda got, case, name=name: got / len(case[name])):
            return Hint(f"这是总和；平均要再除以 {count}。", f"this is a sum: a mean divides it by {count}.")
        if seen.all_become_right(lambda got, case, name=name: got * len(case[name])):
            return Hint(f"多除了 {count}。", f"this is divided by {count} once too often.")
    return None


def _transposed(seen: Examination) -> Hint | None:
    """The whole, or those parts of it that are wrong."""

    def turned(got: Any, expected: Any) -> Any:
        if isinstance(got, tuple):
            return tuple(turned(*pair) for pair in zip(got, expected, strict=True))
        return got if seen.agree(expected, got) else got.T

    pairs = [(seen.got[k], seen.expected[k]) for k in seen.wrong]
    try:
        right = all(seen.agree(expected, turned(got, expected)) for got, expected in pairs)
    except (TypeError, ValueError, AttributeError):
        return None
    if not right:
        return None
    return Hint("结果被转置了：行与列对调了。", "the result is transposed: rows and columns are exchanged.")


def _shape(seen: Examination) -> Hint | None:
    k = seen.wrong[0]
    one, other = seen.expected[k], seen.got[k]
    if isinstance(one, (tuple, Raised)) or isinstance(other, (tuple, Raised)) or np.shape(one) == np.shape(other):
        return None
    zh, en = (
        f"形状应为 {np.shape(one)}，得到 {np.shape(other)}。",
        f"expected shape {np.shape(one)}, got {np.shape(other)}.",
    )
    if np.size(one) == np.size(other) and seen.agree(one, np.reshape(np.asarray(other), np.shape(one))):
        return Hint(zh + "数值是对的。", en + " The numbers are right.")
    return Hint(zh, en)


FORMS = (_arguments, _exception, _sign, _factor, _order, _transposed, _undefined_slope, _one_part, _shape)
