"""For every state scripts that plant it: what must be true of the item, and what may be true besides.

What may be true besides would often give a state of a later rule: it shows that the order holds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from planting import AFTER, BEFORE, Ask, Say, Script, World

from clinseek_replay.evidence.known import Held, Known

OTHER_SUBJECT = 90000007


@dataclass
class Planted:
    """A script, the item it plants, and what is known of the data."""

    script: Script
    item: str
    known: Known | None = None


def _answered(world: World, turns: list[Say], item: str, **more) -> Planted:
    others = tuple(world.name() for _ in range(world.random.randint(0, 2)))
    answer = [*others, world.random.choice((item, item.upper(), item.lower()))]
    world.random.shuffle(answer)
    gold = [item, *(world.name() for _ in range(world.random.randint(0, 2)))]
    world.random.shuffle(gold)
    return Planted(Script(turns, tuple(answer), tuple(gold), **more), item)


def _missed(world: World, turns: list[Say], item: str, *, answer: tuple[str, ...] = (), **more) -> Planted:
    answer = answer or tuple(world.name() for _ in range(world.random.randint(0, 2)))
    gold = [item, *(world.name() for _ in range(world.random.randint(0, 2)))]
    world.random.shuffle(gold)
    known = more.pop("known", None)
    return Planted(Script(turns, answer, tuple(gold), **more), item, known)


def leaked(world: World) -> Planted:
    item = world.name()
    turns = [world.sees(item, AFTER), *world.maybe(lambda: world.thinks(f"labevents shows {item}."))]
    return _answered(world, world.mixed([*world.maybe(lambda: world.looks_up(item)), *turns]), item)


def cited(world: World) -> Planted:
    item = world.name()
    before = world.mixed([world.sees(item)])
    seen = next(n for n, turn in enumerate(before, 1) if any(ask.table == "labevents" for ask in turn.asks))
    source = world.random.choice((f"step {seen}", f"s{seen}", "labevents", "LabEvents"))
    turns = [*before, world.thinks(f"So it is.\nThere is {item} ({source}), I answer it.\nDone.")]
    return _answered(world, turns + world.mixed([]), item)


def supported(world: World) -> Planted:
    item = world.name()
    turns = [
        *world.maybe(lambda: world.looks_up(item)),
        *world.maybe(lambda: world.thinks(f"I look in labevents for {item}.")),
        world.sees(item),
        *world.maybe(lambda: world.thinks(f"I answer {item}.\nThe table labevents was read.")),
        *world.maybe(lambda: world.sees(item, AFTER)),
    ]
    return _answered(world, world.mixed(turns), item)


def candidate_only(world: World) -> Planted:
    item = world.name()
    if world.random.random() < 0.3:
        return _answered(
            world, world.mixed(world.maybe(lambda: world.reads_web(item))), item, candidates=(item, "x")
        )
    turns = [world.looks_up(item), *world.maybe(lambda: world.thinks(f"labevents_candidates has {item}."))]
    return _answered(world, world.mixed([*turns, *world.maybe(lambda: world.reads_web(item))]), item)


def parametric(world: World) -> Planted:
    item = world.name()
    turns = [
        *world.maybe(lambda: world.finds_nothing(item)),
        *world.maybe(lambda: world.thinks(f"Surely {item}, see labevents.")),
        *world.maybe(lambda: world.reads_web(item)),
    ]
    return _answered(world, world.mixed(turns), item)


def name_miss(world: World) -> Planted:
    item = world.name()
    said = world.random.choice(
        (
            f"{item}.",
            f"  {item.upper()}",
            f"{item} (oral)",
            f"{item} - 5 mg",
            item.replace(" ", "  ", 1) + " ",
        )
    )
    turns = [*world.maybe(lambda: world.sees(item)), *world.maybe(lambda: world.thinks(f"- {item}"))]
    return _missed(world, world.mixed(turns), item, answer=(said, world.name()))


def dropped(world: World) -> Planted:
    item, other = world.name(), world.name()
    text = world.random.choice(
        (
            f"My list:\n- {other}\n- {item}\n",
            f"1. {item} (likely)\n2. {other}",
            f'I answer ["{other}", "{item}"]',
            f"Final answer: {item}",
        )
    )
    kind = world.random.choice(("text", "reasoning"))
    seen = world.maybe(lambda: world.sees(item))
    return _missed(world, [*world.mixed(seen), Say(**{kind: text})], item, answer=(other,))


def seen_rejected(world: World) -> Planted:
    item = world.name()
    turns = [world.sees(item), world.thinks(f"I have seen {item}, and it does not fit.")]
    if world.random.random() < 0.5:
        turns.insert(0, world.thinks(f"To do:\n- {item}"))
    return _missed(world, world.mixed(turns), item, known=_held(item))


def seen_lost(world: World) -> Planted:
    item = world.name()
    turns = [world.sees(item), *world.maybe(lambda: world.thinks(f"There was {item}."))]
    forgetting = world.sees_nothing_of_it()
    forgetting.forgets = True
    return _missed(world, world.mixed([*turns, forgetting, *world.maybe(lambda: world.looks_up(item))]), item)


def seen_ignored(world: World) -> Planted:
    item = world.name()
    forgetting = world.sees_nothing_of_it()
    forgetting.forgets = True
    first = [world.sees(item), forgetting] if world.random.random() < 0.3 else []
    turns = [*first, world.sees(item), *world.maybe(lambda: world.finds_nothing(item))]
    return _missed(world, world.mixed(turns), item, known=_held(item))


def seen_cut(world: World) -> Planted:
    item = world.name()
    ask = Ask("ehr.get_latest_records", {"table_name": "poe_detail"}, text="field_value", full=250_000)
    turns = [Say(asks=(ask,)), *world.maybe(lambda: world.finds_nothing(item))]
    world.random.shuffle(turns)
    return _missed(world, world.mixed(turns), item, known=_held(item, "poe_detail"))


def queried_empty(world: World) -> Planted:
    item = world.name()
    turns = world.mixed([world.finds_nothing(item)])
    if world.form == "journal" or world.random.random() < 0.5:
        return _missed(world, turns, item, known=_held(item, world.random.choice(("poe_detail", "pyxis"))))
    return _missed(world, turns, item, curated=f"## Orders [2150-03-02 08:00:00]\n- {item}\n")


def never_retrieved(world: World) -> Planted:
    item = world.name()
    turns = world.mixed(
        [
            *world.maybe(lambda: world.reads_web(item)),
            *world.maybe(lambda: world.looks_up(item)),
            *world.maybe(lambda: world.thinks(f"Could it be {item}?")),
        ]
    )
    if world.form == "journal" or world.random.random() < 0.5:
        return _missed(world, turns, item, known=_held(item, world.random.choice(("chartevents", "pyxis"))))
    return _missed(
        world, turns, item, curated=f"## Drugs [2150-03-02 08:00:00]\n| Item |\n|---|\n| {item} |\n"
    )


def not_available(world: World) -> Planted:
    item = world.name()
    turns = [*world.maybe(lambda: world.finds_nothing(item)), *world.maybe(lambda: world.looks_up(item))]
    known = Known(by="ehr", found={}, absent=frozenset((item,)))
    return _missed(world, world.mixed(turns), item, known=known)


def unknown(world: World) -> Planted:
    item = world.name() if world.random.random() < 0.7 else "yes"
    if item == "yes":
        turns = world.mixed([world.thinks("yes, it is so"), world.looks_up("yes")])
        answer = world.random.choice((("no",), ("yes",)))
        return Planted(Script(turns, answer, ("yes",), candidates=("no",)), item)
    turns = [
        *world.maybe(lambda: world.finds_nothing(item)),
        *world.maybe(lambda: world.thinks(f"Is it {item}?")),
    ]
    return _missed(world, world.mixed(turns), item)


def _held(item: str, table: str = "labevents") -> Known:
    return Known(by="ehr", found={item: Held(tables=(table,), matched=item)})


def _extra(world: World, turns: list[Say], item: str, **more) -> Planted:
    """An answered item that is not gold."""
    answer = [item, *(world.name() for _ in range(world.random.randint(0, 2)))]
    world.random.shuffle(answer)
    return Planted(Script(turns, tuple(answer), (world.name(),), **more), item)


def of_other_patient(world: World) -> Planted:
    item = world.name()
    turns = [world.sees(item, subject=OTHER_SUBJECT), *world.maybe(lambda: world.looks_up(item))]
    return _extra(world, world.mixed(turns), item)


def leaked_extra(world: World) -> Planted:
    item = world.name()
    turns = [
        world.sees(item, AFTER),
        *world.maybe(lambda: world.looks_up(item)),
        *world.maybe(world.admitted),
    ]
    return _extra(world, world.mixed(turns), item)


def stale(world: World) -> Planted:
    item = world.name()
    turns = [world.sees(item, BEFORE), world.admitted(), *world.maybe(lambda: world.sees(item, BEFORE))]
    return _extra(world, world.mixed(turns), item)


def supported_extra(world: World) -> Planted:
    item = world.name()
    turns = [
        world.sees(item),
        *world.maybe(lambda: world.sees(item, BEFORE)),
        *world.maybe(lambda: world.sees(item, AFTER)),
        *world.maybe(lambda: world.sees(item, subject=OTHER_SUBJECT)),
        *world.maybe(world.admitted),
        *world.maybe(lambda: world.looks_up(item)),
    ]
    world.random.shuffle(turns)
    return _extra(world, world.mixed(turns), item)


def candidate_extra(world: World) -> Planted:
    item = world.name()
    turns = [world.looks_up(item), *world.maybe(lambda: world.reads_web(item))]
    return _extra(world, world.mixed(turns), item)


def parametric_extra(world: World) -> Planted:
    item = world.name()
    return _extra(world, world.mixed(world.maybe(lambda: world.finds_nothing(item))), item)


def unknown_extra(world: World) -> Planted:
    return _extra(world, world.mixed([world.thinks("no"), world.looks_up("no")]), "no")


@dataclass
class Plant:
    """How a state is planted, and in which forms a recording can hold it."""

    make: Callable[[World], Planted]
    forms: tuple[str, ...] = field(default=("journal", "record"))


PLANTS: dict[str, Plant] = {
    "LEAKED": Plant(leaked),
    "CITED": Plant(cited),
    "SUPPORTED": Plant(supported),
    "CANDIDATE_ONLY": Plant(candidate_only),
    "PARAMETRIC": Plant(parametric),
    "NAME_MISS": Plant(name_miss),
    "DROPPED": Plant(dropped),
    "SEEN_REJECTED": Plant(seen_rejected),
    "SEEN_LOST": Plant(seen_lost),
    "SEEN_IGNORED": Plant(seen_ignored),
    "SEEN_CUT": Plant(seen_cut),
    "QUERIED_EMPTY": Plant(queried_empty),
    "NEVER_RETRIEVED": Plant(never_retrieved),
    "NOT_AVAILABLE": Plant(not_available),
    "UNKNOWN": Plant(unknown),
    "FP_OTHER_PATIENT": Plant(of_other_patient),
    "FP_LEAKED": Plant(leaked_extra),
    "FP_STALE": Plant(stale),
    "FP_SUPPORTED": Plant(supported_extra),
    "FP_CANDIDATE_ONLY": Plant(candidate_extra),
    "FP_PARAMETRIC": Plant(parametric_extra),
    "FP_UNKNOWN": Plant(unknown_extra),
}
