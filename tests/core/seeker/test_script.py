"""A script played over a conversation: the first turn that is not answered."""

from clinseek_core.journal import CallRequest
from clinseek_core.models import AssistantMessage, ToolMessage
from clinseek_core.seeker.script import FINISH, THINK, Ask, Turn, next_turn

TOOLS = {THINK, FINISH, "look", "count"}


def script(log=None):
    texts = yield Turn("First.", (Ask("look", {"at": 1}), Ask("count", {"of": "x"})))
    if log is not None:
        log.append(texts)
    (text,) = yield Turn("Then.", (Ask("look", {"at": text}),) if (text := texts[0]) else ())
    yield Turn("Last.", (Ask(FINISH, {"response": [text]}),))


def said(turn, answers, number=1):
    """The messages of a turn whose first calls are answered."""
    calls = tuple(
        CallRequest(id=f"{number}_{place}", name=ask.name, arguments=ask.arguments)
        for place, ask in enumerate(turn.asks)
    )
    results = [ToolMessage(call.id, call.name, text) for call, text in zip(calls, answers, strict=False)]
    return (AssistantMessage(calls=calls), *results)


def names(turn):
    return [ask.name for ask in turn.asks]


def test_it_thinks_and_asks():
    turn = next_turn(script(), (), TOOLS)
    assert names(turn) == [THINK, "look", "count"]
    assert turn.asks[0].arguments == {"response": "First."}


def test_answers_lead_to_the_next_turn():
    first = next_turn(script(), (), TOOLS)
    second = next_turn(script(), said(first, ["Noted.", "here", "3"]), TOOLS)
    assert (second.thought, second.asks[1].arguments) == ("Then.", {"at": "here"})


def test_only_what_is_missing_is_asked_again():
    first = next_turn(script(), (), TOOLS)
    assert names(next_turn(script(), said(first, ["Noted.", "here"]), TOOLS)) == ["count"]


def test_what_another_turn_already_asked_is_not_asked_again():
    other = Turn("", (Ask("look", {"at": 1}),))
    assert names(next_turn(script(), said(other, ["here"]), TOOLS)) == [THINK, "count"]


def test_a_tool_that_is_not_on_offer_is_answered_by_an_error():
    log = []
    first = next_turn(script(), (), {"look", FINISH})
    assert names(first) == ["look"]
    next_turn(script(log), said(first, ["here"]), {"look", FINISH})
    assert log == [("here", "Error: this tool is not on offer")]


def test_it_finishes_though_finish_is_not_on_offer():
    assert names(next_turn(script(), (), set())) == [FINISH]


def test_it_goes_on_without_answers_after_very_many_turns():
    first = next_turn(script(), (), TOOLS)
    assert next_turn(script(), said(first, []) * 40, TOOLS).thought == "Last."


def test_asked_on_after_the_end_it_answers_again():
    messages = ()
    for number in range(3):
        turn = next_turn(script(), messages, TOOLS)
        messages += said(turn, ["here"] * len(turn.asks), number)
    assert names(next_turn(script(), messages, TOOLS)) == [FINISH]
