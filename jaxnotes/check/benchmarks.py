"""The exercises of lesson 13: the floor under a time, and from how many calls on compiling pays."""

import math

from jaxnotes.check.exercise import Case, Exercise, Mistake


def _works() -> list[Case]:
    names = ("operations", "n_bytes", "rate", "bandwidth")
    numbers = [(8.0, 1.0, 2.0, 4.0), (1.0, 8.0, 2.0, 4.0), (6.0, 6.0, 2.0, 3.0), (2e9, 1.2e7, 2e11, 1e10)]
    return [dict(zip(names, four, strict=True)) for four in [*numbers, (1e6, 8e6, 2e11, 1e10)]]


FLOOR = Exercise(
    id="E13.1",
    truth=lambda operations, n_bytes, rate, bandwidth: max(operations / rate, n_bytes / bandwidth),
    cases=_works,
    mistakes=(
        Mistake(
            lambda operations, n_bytes, rate, bandwidth: operations / rate + n_bytes / bandwidth,
            "计算与搬运可以同时进行，下界取两者中较大的，不是相加。",
            "computing and moving can overlap: the bound is the larger of the two, not the sum.",
        ),
        Mistake(
            lambda operations, n_bytes, rate, bandwidth: min(operations / rate, n_bytes / bandwidth),
            "两件事都要做完，所以取较大的，不取较小的。",
            "both must be done: take the larger, not the smaller.",
        ),
        Mistake(
            lambda operations, n_bytes, rate, bandwidth: operations / rate,
            "只算了运算，没有算搬运数据的时间。",
            "only the arithmetic is counted; moving the data takes time too.",
        ),
        Mistake(
            lambda operations, n_bytes, rate, bandwidth: n_bytes / bandwidth,
            "只算了搬运数据，没有算运算的时间。",
            "only the traffic is counted; the arithmetic takes time too.",
        ),
        Mistake(
            lambda operations, n_bytes, rate, bandwidth: max(rate / operations, bandwidth / n_bytes),
            "比值颠倒了：时间 = 工作量 / 速度。",
            "the ratios are upside down: time is work divided by speed.",
        ),
    ),
)


def _break_even(compile_s: float, fast_s: float, slow_s: float) -> float:
    if fast_s >= slow_s:
        return math.inf
    return math.ceil(compile_s / (slow_s - fast_s))


def _times() -> list[Case]:
    # Binary fractions, so that the quotients of whole numbers are exact.
    numbers = [(3.0, 1.0, 2.0), (3.0, 0.5, 2.5), (1.0, 0.25, 1.0), (2.0, 2.0, 1.0), (2.0, 1.0, 1.0), (2.5, 0.125, 0.25)]
    return [dict(zip(("compile_s", "fast_s", "slow_s"), three, strict=True)) for three in numbers]


BREAK_EVEN = Exercise(
    id="E13.2",
    truth=_break_even,
    cases=_times,
    mistakes=(
        Mistake(
            lambda compile_s, fast_s, slow_s: math.ceil(compile_s / slow_s),
            "编译之后的调用也要花时间：每次省下的是 slow_s - fast_s。",
            "the calls after compiling take time too: a call saves slow_s - fast_s.",
        ),
        Mistake(
            lambda compile_s, fast_s, slow_s: (
                math.inf if fast_s >= slow_s else math.floor(compile_s / (slow_s - fast_s))
            ),
            "次数要向上取整。",
            "round the number of calls up.",
        ),
        Mistake(
            lambda compile_s, fast_s, slow_s: math.ceil(compile_s / (slow_s - fast_s)),
            "编译后若不更快，就永远不划算：返回 math.inf。",
            "where the compiled call is not faster it never pays: return math.inf.",
        ),
        Mistake(
            lambda compile_s, fast_s, slow_s: math.inf if fast_s >= slow_s else compile_s / (slow_s - fast_s),
            "调用次数是整数，向上取整。",
            "the number of calls is whole: round it up.",
        ),
    ),
)

EXERCISES = (FLOOR, BREAK_EVEN)
