"""Runs the contenders of one case in interleaved rounds and measures time, memory and accuracy.

A contender is a name and a `make`. `make(count)` prepares the first `count` problems outside the clock (data on the
device, compilation, columns of ones) and returns a Trial, whose `run` is timed and whose `read` turns what `run`
returned into float64 coefficients, again outside the clock.
"""

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from bench import memory

SLOW_SECONDS = 5.0  # a contender predicted to take longer gets a subset of the problems, or fewer rounds
SLICE_SECONDS = 2.0  # what one round over such a subset should take
SLOW_BUDGET = 40.0  # what all rounds of a contender that cannot be cut may take together
PILOT = 64  # problems of the run that predicts
PAUSE = 0.05  # between runs, so that the last contender's thread pool is asleep


@dataclass(frozen=True)
class Answer:
    """What a contender found: `coef` (problems, features) and `intercept` (problems,) in float64."""

    coef: np.ndarray
    intercept: np.ndarray
    status: dict[str, int]
    steps: float | None = None  # mean over the problems
    l2: float | None = None  # where the contender minimizes with another penalty than the case asks for


@dataclass(frozen=True)
class Trial:
    run: Callable[[], object]
    read: Callable[[object], Answer | None] = lambda raw: None
    compile_s: float | None = None
    temp_bytes: int | None = None
    seconds: Callable[[object], float] | None = None  # a run that times itself (a subprocess)


@dataclass(frozen=True)
class Contender:
    name: str
    make: Callable[[int], Trial]
    kind: str = "peer"  # or "ours", "kernel" (hand-written, no peer), "floor" (a part of the machine's floor)
    loop: bool = False  # its time is linear in the number of problems, so a slow one may be cut
    note: str = ""


@dataclass
class Result:
    name: str
    kind: str
    note: str = ""
    missing: str = ""  # why a contender did not take part
    error: str = ""
    compile_s: float | None = None
    first_s: float | None = None
    times_s: list[float] = field(default_factory=list)
    median_s: float | None = None
    spread_s: float | None = None  # half the distance between the quartiles
    problems: int = 0
    scaled: bool = False  # measured on `problems` of them, time scaled up linearly
    temp_bytes: int | None = None
    rss_bytes: int | None = None
    accuracy: float | None = None  # of the worst problem
    accurate_share: float | None = None  # of the problems
    accurate: bool = False
    other_objective: bool = False
    status: dict[str, int] = field(default_factory=dict)
    steps: float | None = None
    peer_ratio: float | None = None  # fastest accurate peer's time / this time
    floor_ratio: float | None = None  # floor / this time

    @property
    def counts(self) -> bool:
        """Whether its time may be compared: it ran, on the asked objective, and is as accurate as asked."""
        return self.median_s is not None and self.accurate and not self.other_objective


@dataclass(frozen=True)
class Demand:
    text: str
    measured: str
    met: bool | None  # None: not judged


@dataclass(frozen=True)
class Case:
    name: str
    about: str
    problems: int
    contenders: list[Contender]
    demands: Callable[[dict[str, Result]], list[Demand]]
    accuracy: Callable[[Answer], np.ndarray] | None = None  # one number a problem; smaller is better
    accuracy_name: str = ""
    asked: float | None = None
    floor: Callable[[dict[str, Result]], float | None] = lambda results: None
    floor_about: str = ""
    input_bytes: int = 0


@dataclass(frozen=True)
class Outcome:
    workload: str
    case: Case
    results: list[Result]
    floor_s: float | None
    demands: list[Demand]
    interrupted: bool = False


@dataclass
class Lane:
    """A contender on its way through the rounds."""

    contender: Contender
    result: Result
    trial: Trial | None = None
    scale: float = 1.0
    rounds: int = 0
    raw: object = None  # what the last run returned
    answered: bool = True  # not while a run is under way


def run_case(
    case: Case, workload: str, repeats: int, *, judge: bool, say: Callable[[str], None] = lambda doing: None
) -> Outcome:
    """Run all contenders; say: is told what is being done. An interruption ends the rounds and keeps what they gave."""
    lanes: list[Lane] = []
    interrupted = False
    try:
        for contender in case.contenders:
            say(f"{case.name}: first call of {contender.name}")
            lanes.append(start(contender, case, repeats))
        for turn in range(repeats):
            gc.collect()
            for lane in lanes:
                if lane.trial is not None and turn < lane.rounds:
                    say(f"{case.name}: round {turn + 1} of {repeats}, {lane.contender.name}")
                    guarded(lane, repeat)
    except KeyboardInterrupt:
        interrupted = True
    for lane in lanes:
        if lane.trial is not None and lane.result.times_s:
            guarded(lane, lambda lane: finish(lane, case))
    begun = {lane.result.name: lane.result for lane in lanes}
    results = {contender.name: begun.get(contender.name, not_begun(contender)) for contender in case.contenders}
    floor_s = case.floor(results)
    compare(results, floor_s)
    demands = case.demands(results)
    if not judge:
        demands = [Demand(demand.text, demand.measured, None) for demand in demands]
    return Outcome(workload, case, list(results.values()), floor_s, demands, interrupted)


def not_begun(contender: Contender) -> Result:
    return Result(contender.name, contender.kind, contender.note, missing="interrupted")


def guarded(lane: Lane, action: Callable[[Lane], None]) -> None:
    """A contender that is not installed or fails is reported in its row; it does not stop the others."""
    try:
        action(lane)
    except Exception as error:
        lane.trial = None
        if isinstance(error, ImportError) and lane.contender.kind != "ours":
            lane.result.missing = str(error)
        else:
            lane.result.error = f"{type(error).__name__}: {error}"[:300]


def start(contender: Contender, case: Case, repeats: int) -> Lane:
    """Make the contender, cut it where it is too slow, and time its first call."""
    lane = Lane(contender, Result(contender.name, contender.kind, contender.note))
    guarded(lane, lambda lane: first_call(lane, case, repeats))
    return lane


def first_call(lane: Lane, case: Case, repeats: int) -> None:
    count = case.problems
    if lane.contender.loop and count > PILOT:
        predicted = predict(lane.contender) * count / PILOT
        if predicted > SLOW_SECONDS:
            count = min(count, max(PILOT, int(count * SLICE_SECONDS / predicted)))
    lane.trial = lane.contender.make(count)
    lane.scale = case.problems / count
    result = lane.result
    result.problems, result.scaled = count, count < case.problems
    result.compile_s, result.temp_bytes = lane.trial.compile_s, lane.trial.temp_bytes
    seconds, lane.raw, grown = measure(lane.trial)
    lane.rounds = min(repeats, int(SLOW_BUDGET / seconds)) if seconds > SLOW_SECONDS else repeats
    result.first_s = seconds * lane.scale
    if lane.rounds == 0:  # so slow that its first call must stand for all
        result.times_s, result.rss_bytes = [result.first_s], grown


def predict(contender: Contender) -> float:
    """Seconds for PILOT problems, the second time: the first may pay for imports."""
    trial = contender.make(PILOT)
    trial.run()
    return measure(trial)[0]


def measure(trial: Trial) -> tuple[float, object, int | None]:
    """(seconds, what `run` returned, growth of the resident size), the garbage collector off meanwhile."""
    time.sleep(PAUSE)
    before = memory.mark()
    gc.disable()
    try:
        begin = time.perf_counter()
        raw = trial.run()
        seconds = time.perf_counter() - begin
    finally:
        gc.enable()
    grown = memory.growth(before)
    return (trial.seconds(raw) if trial.seconds else seconds), raw, grown


def repeat(lane: Lane) -> None:
    lane.raw, lane.answered = None, False  # freed before the clock starts
    seconds, lane.raw, grown = measure(lane.trial)
    lane.answered = True
    lane.result.times_s.append(seconds * lane.scale)
    if grown is not None:
        lane.result.rss_bytes = max(lane.result.rss_bytes or 0, grown)


def finish(lane: Lane, case: Case) -> None:
    result, times = lane.result, lane.result.times_s
    result.median_s = statistics.median(times)
    result.spread_s = float(np.subtract(*np.percentile(times, [75, 25]))) / 2
    answer, lane.raw = lane.trial.read(lane.raw) if lane.answered else None, None
    lane.trial = None
    if answer is None:
        result.accurate = case.accuracy is None
        return
    errors = case.accuracy(answer)
    result.accuracy = float(np.max(errors))
    result.accurate_share = float(np.mean(errors <= case.asked))
    result.accurate = result.accuracy <= case.asked
    result.status, result.steps, result.other_objective = answer.status, answer.steps, answer.l2 is not None


def compare(results: dict[str, Result], floor_s: float | None) -> None:
    peers = [result.median_s for result in results.values() if result.kind == "peer" and result.counts]
    for result in results.values():
        if result.median_s is None or result.kind == "floor":
            continue
        result.peer_ratio = min(peers) / result.median_s if peers else None
        result.floor_ratio = floor_s / result.median_s if floor_s else None
