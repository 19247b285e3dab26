"""The demands of a workload, as sentences with what was measured and whether it was met."""

from bench.runner import Demand, Result

OURS = "jaxnotes"


def faster(results: dict[str, Result], least: float) -> Demand:
    """Than the fastest peer that is as accurate as asked."""
    rivals = [result for result in results.values() if result.kind == "peer" and result.counts]
    return _faster(f"at least {least:g} x the speed of the fastest peer that is accurate", results[OURS], rivals, least)


def faster_than(results: dict[str, Result], least: float, rivals: str) -> Demand:
    """Than the fastest peer whose name starts with `rivals`, accurate or not: errors excuse nobody."""
    named = [result for result in results.values() if result.kind == "peer" and result.name.startswith(rivals)]
    measured = [result for result in named if result.median_s is not None and not result.other_objective]
    return _faster(f"at least {least:g} x the speed of {rivals}, whatever its accuracy", results[OURS], measured, least)


def _faster(text: str, ours: Result, rivals: list[Result], least: float) -> Demand:
    if ours.median_s is None or not rivals:
        return Demand(text, "not measured", None)
    best = min(rivals, key=lambda result: result.median_s)
    ratio = best.median_s / ours.median_s
    measured = f"{ratio:.1f} x ({best.name})"
    if not ours.counts:
        return Demand(text, f"{measured}, but ours is less accurate than asked", False)
    return Demand(text, measured, ratio >= least)


def within(results: dict[str, Result], most: float, rival: str) -> Demand:
    """At most `most` times the time of the contender `rival`."""
    text = f"at most {most:g} x the time of {rival}"
    ours, other = results[OURS], results[rival]
    if ours.median_s is None or other.median_s is None:
        return Demand(text, "not measured", None)
    ratio = ours.median_s / other.median_s
    return Demand(text, f"{ratio:.2f} x", ratio <= most)


def first_answer_within(results: dict[str, Result], units: float, unit: str) -> Demand:
    """Of the fit, in units of the contender `unit`; what is measured names the inference and the parts of both too."""
    text = f"first answer of a fit within {units:g} x the seconds of a {unit}"
    ours, other = results[OURS], results[unit]
    if ours.median_s is None or other.median_s is None:
        return Demand(text, "not measured", None)
    ratio = {name: (result.median_s or 0) / other.median_s for name, result in results.items()}

    def parts(verb: str) -> str:
        return ", ".join(f"{part} {ratio[f'{verb}: {part}']:.1f}" for part in ("tracing", "compiling"))

    measured = f"fit {ratio[OURS]:.1f} ({parts('fit')}), infer {ratio['infer']:.1f} ({parts('infer')})"
    return Demand(text, measured, ratio[OURS] <= units)


def share_of_floor(results: dict[str, Result], floor_s: float | None, least: float) -> Demand:
    text = f"at least {least:.0%} of the floor"
    ours = results[OURS]
    if ours.median_s is None or floor_s is None:
        return Demand(text, "not measured", None)
    share = floor_s / ours.median_s
    return Demand(text, f"{share:.0%}", share >= least)


def compiles_within(results: dict[str, Result], seconds: float = 3.0) -> Demand:
    text = f"compiles in less than {seconds:g} s"
    compile_s = results[OURS].compile_s
    if compile_s is None:
        return Demand(text, "not measured", None)
    return Demand(text, f"{compile_s:.2f} s", compile_s < seconds)


def memory_within(results: dict[str, Result], input_bytes: int, most: float = 0.3) -> list[Demand]:
    """Beyond the inputs, by the compiler's analysis and by the growth of the resident size."""
    ours = results[OURS]
    kinds = {"temporaries, by the compiler's analysis": ours.temp_bytes, "resident growth": ours.rss_bytes}
    return [_memory(kind, used, input_bytes, most) for kind, used in kinds.items()]


def _memory(kind: str, used: int | None, input_bytes: int, most: float) -> Demand:
    text = f"at most {most:g} x the bytes of X of {kind}"
    if used is None:
        return Demand(text, "not measured", None)
    return Demand(text, f"{used / input_bytes:.3f} x", used <= most * input_bytes)


def no_less_accurate(results: dict[str, Result], rival: str) -> Demand:
    text = f"error no larger than that of {rival}"
    ours, other = results[OURS], results[rival]
    if ours.accuracy is None or other.accuracy is None:
        return Demand(text, "not measured", None)
    return Demand(text, f"{ours.accuracy:.1e} against {other.accuracy:.1e}", ours.accuracy <= other.accuracy)
