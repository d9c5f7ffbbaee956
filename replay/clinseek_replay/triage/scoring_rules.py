"""S: the benchmark and its scorer; beyond the agent."""

from __future__ import annotations

import re
from collections.abc import Iterator

from clinseek_core.scoring import folded, is_multimodal, score_upstream
from clinseek_replay.finding import Place
from clinseek_replay.triage.items import f1_of
from clinseek_replay.triage.rule import Hit, Rule, Undecided
from clinseek_replay.triage.view import RunView

__all__ = ["SCORING"]

_SAME = 1e-6
"""Scores that differ by less are the same, printed with fewer digits."""
_SNIPPET = 160
_MARK = r"(?:answer|label|gold(?: standard)?|ground[ _]truth|correct(?: answer)?|target)"
_QUOTES = "[\"'\\[(*]{0,3}"


def _gold_unreachable(view: RunView) -> Iterator[Hit]:
    """Missed gold that the record does not hold; what was answered all the same is no loss."""
    wanted = view.items.wanted
    out_of_reach = [name for name in view.missed if view.known is not None and name in view.known.absent]
    if out_of_reach:
        ceiling = f1_of([name for name in wanted if name not in out_of_reach], wanted)
        yield Hit(
            message=f"{len(out_of_reach)} of {len(wanted)} gold names were missed and are not in the record: "
            f"reading it until the cutoff gives an F1 of at most {ceiling:.2f}",
            places=(Place(step=0),),
            evidence={"names": out_of_reach[:50], "ceiling": ceiling},
            lost=tuple(out_of_reach),
        )


def _gold_collapses(view: RunView) -> Iterator[Hit]:
    forms: dict[str, list[str]] = {}
    for name in view.gold:
        forms.setdefault(folded(name), []).append(name)
    for form, names in forms.items():
        if len(names) > 1:
            yield Hit(
                message=f"{len(names)} gold names are one: {', '.join(names[:5])}",
                places=(Place(step=0),),
                evidence={"names": names[:20], "normal_form": form},
            )


def _scorer_disagrees(view: RunView) -> Iterator[Hit | Undecided]:
    run = view.trajectory
    ours = score_upstream(run.answer, run.gold, multimodal=is_multimodal(run.task, run.qid))
    if ours.f1 is None or view.recorded_f1 is None:
        yield Undecided(ours.reason or "no score of the reference was given")
    elif abs(ours.f1 - view.recorded_f1) > _SAME:
        yield Hit(
            message=f"the reference scored {view.recorded_f1:.4f}, its own rule gives {ours.f1:.4f}",
            places=(Place(step=0),),
            evidence={"recorded": view.recorded_f1, "computed": ours.f1},
        )


def _denominator(view: RunView) -> Iterator[Hit]:
    siblings = view.siblings
    if siblings is None or not siblings.first:
        return
    if siblings.same_line > 1:
        yield Hit(
            message=f"this run is there {siblings.same_line} times, and each counts as a run of its own",
            places=(Place(step=0),),
            evidence={"times": siblings.same_line},
            severity="medium",
        )
    elif siblings.runs_of_question > 1:
        yield Hit(
            message=f"{siblings.runs_of_question} runs of this question are averaged",
            places=(Place(step=0),),
            evidence={"runs": siblings.runs_of_question},
        )


def _label_in_prompt(view: RunView) -> Iterator[Hit]:
    run = view.trajectory
    texts = [text for _, text in run.prompt] or [run.question]
    for name in view.items.wanted:
        found = next((found for text in texts if (found := _marked(name, text))), None)
        if found is not None:
            yield Hit(
                message=f"the prompt gives {name} away as the answer",
                places=(Place(step=0, field="prompt", quote=found),),
                evidence={"item": name, "how": "marked"},
            )
    if run.curated and run.answer_source != "one_shot" and any(_shows(text, run.curated) for text in texts):
        named = [name for name in view.items.wanted if view.sightings.in_curated(name)]
        if named:
            yield Hit(
                message=f"the model was shown the curated context, which names {len(named)} gold items",
                places=(Place(step=0, field="prompt"),),
                evidence={"items": named[:50], "how": "curated"},
            )


def _marked(name: str, text: str) -> str | None:
    """The words that mark a name as the answer."""
    if not name or name.lower() not in text.lower():
        return None
    written = re.escape(name)
    before = rf"\b{_MARK}\s?(?:is|:|=)\s?{_QUOTES}{written}\b(?!\s?(?:or|and|/|,|\|))"
    after = rf"{written}[\"']?\s?[(\[]{_MARK}[)\]]"
    found = re.search(f"(?:{before})|(?:{after})", text, re.IGNORECASE)
    return found[0][:200] if found else None


def _shows(text: str, curated: str) -> bool:
    """Whether a text holds the curated context, by a piece from its middle."""
    middle = max(len(curated) // 2 - _SNIPPET // 2, 0)
    return curated[middle : middle + _SNIPPET].strip() in text


SCORING: tuple[Rule, ...] = (
    Rule(
        code="S1",
        name="gold_unreachable",
        tier="X",
        severity="high",
        needs=("gold", "data"),
        says="Missed gold items are not in the record before the cutoff; the ceiling of F1 is given.",
        find=_gold_unreachable,
    ),
    Rule(
        code="S2",
        name="gold_duplicate_or_case",
        tier="D",
        severity="low",
        needs=("gold",),
        says="Several gold names are one in their normal form.",
        find=_gold_collapses,
    ),
    Rule(
        code="S3",
        name="scorer_disagrees",
        tier="D",
        severity="high",
        needs=("gold", "score"),
        says="The reference's recorded score is not what its own rule gives.",
        find=_scorer_disagrees,
    ),
    Rule(
        code="S4",
        name="denominator",
        tier="D",
        severity="info",
        needs=("siblings",),
        says="The run is there more than once, or several runs of the question are averaged.",
        find=_denominator,
    ),
    Rule(
        code="S5",
        name="label_in_prompt",
        tier="D",
        severity="high",
        needs=("gold", "prompt"),
        says="The prompt marks a gold item as the answer, or shows the agent the case's curated context.",
        find=_label_in_prompt,
    ),
)
