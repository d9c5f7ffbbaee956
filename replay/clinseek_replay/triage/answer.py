"""F: the answer and its form."""

from __future__ import annotations

from collections.abc import Iterator

from clinseek_core.scoring import folded
from clinseek_replay.evidence.listed import undecorated
from clinseek_replay.finding import Place
from clinseek_replay.triage.rule import Hit, Rule
from clinseek_replay.triage.view import RunView

__all__ = ["ANSWER"]


def _place(view: RunView) -> tuple[Place, ...]:
    return (view.finish.place("arguments"),) if view.finish else (Place(step=view.last_step, field="answer"),)


def _name_miss(view: RunView) -> Iterator[Hit]:
    for gold, other in view.misnamed.items():
        if other.how != "decoration":
            how = "in another spelling" if other.how == "spelling" else "by another name"
            yield Hit(
                message=f"{other.answer} is the gold's {gold} {how}, and the reference's match is exact",
                places=_place(view),
                evidence={
                    "answer": other.answer,
                    "gold": gold,
                    "how": other.how,
                    "normal_form": folded(gold),
                },
                lost=(gold,),
                extra=(other.answer,),
            )


def _not_a_candidate(view: RunView) -> Iterator[Hit]:
    candidates = {name.strip().lower() for name in view.trajectory.candidates}
    for name in view.items.given:
        if name.strip().lower() not in candidates:
            near = [other for other in view.trajectory.candidates if folded(other) == folded(name)]
            yield Hit(
                message=f"{name} is none of the {len(candidates)} candidates",
                places=_place(view),
                evidence={"answer": name, "near": near[:5]},
                extra=(name,) if name in view.wrong else (),
            )


def _over_or_under(view: RunView) -> Iterator[Hit]:
    given, wanted = len(view.items.given), len(view.items.wanted)
    hits = len(view.items.hits)
    precision = hits / given if given else 0.0
    over = given > 2 * wanted and precision < 0.3
    under = 0 < given < wanted / 2 and precision > 0.7
    if over or under:
        yield Hit(
            message=f"{given} names answered, {wanted} wanted, precision {precision:.2f}",
            places=_place(view),
            evidence={"way": "over" if over else "under", "answered": given, "gold": wanted},
            lost=view.missed if under else (),
            extra=tuple(sorted(view.wrong)) if over else (),
        )


def _decoration(view: RunView) -> Iterator[Hit]:
    for gold, other in view.misnamed.items():
        if other.how == "decoration":
            yield Hit(
                message=f"{other.answer} is the gold's {gold} with more around it",
                places=_place(view),
                evidence={"answer": other.answer, "gold": gold, "decoration": other.around},
                lost=(gold,),
                extra=(other.answer,),
            )


def _wrong_shape(view: RunView) -> Iterator[Hit]:
    finish = view.finish
    if finish is None or finish.call.id.startswith(("synthetic_finish_", "one_shot_", "call_qa_finish")):
        return
    response = finish.argument("response")
    if finish.call.arguments is None:
        fault = "arguments that are no JSON object"
    elif not isinstance(response, list):
        fault = f"{_kind(response)} where a list of names belongs"
    elif not response:
        fault = "an empty list"
    elif not all(isinstance(item, str) for item in response):
        fault = "a list that holds more than names"
    else:
        return
    yield Hit(
        message=f"the finish holds {fault}",
        places=(finish.place("arguments"),),
        evidence={"fault": fault},
        severity="low" if view.answer else None,
        lost=() if view.answer else view.missed,
    )


def _kind(value: object) -> str:
    return "nothing" if value is None else "a text" if isinstance(value, str) else f"a {type(value).__name__}"


def _think_finish_gap(view: RunView) -> Iterator[Hit]:
    """The last list that the model wrote before its finish, where it shares a name with the answer."""
    last = view.sightings.last_list
    if last is None:
        return
    listed = {name for name in view.items.given if view.sightings.listed(name, last.entries)}
    if not listed:
        return
    entries = {folded(name) for entry in last.entries for name in undecorated(entry)}
    lost = tuple(name for name in view.missed if view.sightings.listed(name, last.entries))
    given = {folded(name) for name in view.items.given}
    others = (name for name in view.trajectory.candidates if folded(name) in entries)
    dropped = [*lost, *(name for name in others if name not in lost and folded(name) not in given)]
    added = [name for name in view.items.given if name not in listed]
    if dropped or added:
        yield Hit(
            message=f"the model's last list has {len(dropped)} names that the answer leaves out, and lacks "
            f"{len(added)} of the answer's",
            places=(last.place, *_place(view)),
            evidence={"dropped": dropped[:20], "added": added[:20]},
            severity=None if lost or not view.gold else "low",
            lost=lost,
            extra=tuple(name for name in added if name in view.wrong),
        )


ANSWER: tuple[Rule, ...] = (
    Rule(
        code="F1c",
        name="name_miss",
        tier="D",
        severity="high",
        needs=("gold", "answer"),
        says="A name of the answer is a gold name in another spelling or by another name, which an exact"
        " match does not take.",
        find=_name_miss,
    ),
    Rule(
        code="F2",
        name="not_a_candidate",
        tier="D",
        severity="medium",
        needs=("answer", "candidates"),
        says="A name of the answer is none of the case's candidates.",
        find=_not_a_candidate,
    ),
    Rule(
        code="F3",
        name="over_or_under_answering",
        tier="D",
        severity="medium",
        needs=("gold", "answer"),
        says="More than twice as many names as the gold at a precision below 0.3, or less than half at one"
        " above 0.7.",
        find=_over_or_under,
    ),
    Rule(
        code="F4",
        name="extra_decoration",
        tier="D",
        severity="high",
        needs=("gold", "answer"),
        says="A name of the answer is a gold name with a code, a dose or brackets around it.",
        find=_decoration,
    ),
    Rule(
        code="F5",
        name="wrong_shape",
        tier="D",
        severity="medium",
        needs=("turns", "end"),
        says="The finish holds no list of names, or an empty one.",
        find=_wrong_shape,
    ),
    Rule(
        code="F6",
        name="think_finish_gap",
        tier="D",
        severity="medium",
        needs=("turns", "answer", "names"),
        says="The last list that the model wrote and the answer share names, and differ.",
        find=_think_finish_gap,
    ),
)
