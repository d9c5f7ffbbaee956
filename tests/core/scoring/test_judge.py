"""The judge over HTTP: a strict verdict or none, asked twice at most, never twice of the same."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from clinseek_core.models import Endpoint
from clinseek_core.models.openai_chat import OpenAIChat, Patience
from clinseek_core.scoring import SingleAnswer, single_answer
from clinseek_core.scoring.judge import VERDICT_FORMAT, judged


def verdict(match: bool, reason: str = "because") -> str:
    return json.dumps({"match": match, "reason": reason})


def a(gold: str = "oedema", answer: str = "edema") -> SingleAnswer:
    return single_answer("What is on the film?", [answer], gold)


@pytest.fixture
def ask(server: Any, control: Any) -> Any:
    def asked(*answers: SingleAnswer) -> list[SingleAnswer]:
        model = OpenAIChat(
            Endpoint("judge", server.url, "none"),
            temperature=0.0,
            patience=Patience(tries=2, first_wait_s=0.0, silence_s=5.0),
            response_format=VERDICT_FORMAT,
        )
        return judged(answers, model, control)

    return asked


@pytest.mark.parametrize("match", [True, False])
def test_the_verdict_stands_for_the_rule(server: Any, say: Any, ask: Any, match: bool) -> None:
    server.script = [say.stream(verdict(match))]
    (found,) = ask(a())
    assert not a().by_rule
    assert (found.right, found.by, found.asked, found.reason) == (match, "judge", True, "because")
    (request,) = server.requests
    assert request["temperature"] == 0.0
    assert request["response_format"] == VERDICT_FORMAT
    said = json.loads(request["messages"][1]["content"])
    assert said == {"question": "What is on the film?", "expected": "oedema", "given": ["edema"]}


def test_a_fence_around_the_verdict_is_forgiven(server: Any, say: Any, ask: Any) -> None:
    server.script = [say.whole(f"```json\n{verdict(True)}\n```")]
    assert ask(a())[0].by_judge is True


@pytest.mark.parametrize(
    "text",
    ["yes, a match", '{"match": "true"}', '{"match": 1, "reason": ""}', '{"reason": "x"}', "",
     '[{"match": true}]', '{"match": true, "reason": "x", "score": 9}', f"{verdict(True)} {verdict(False)}"],
)  # fmt: skip
def test_what_is_no_verdict_is_asked_once_more_and_then_left_to_the_rule(
    server: Any, say: Any, ask: Any, text: str
) -> None:
    server.script = [say.whole(text), say.whole(verdict(True))]
    assert ask(a())[0].by_judge is True
    server.script = [say.whole(text), say.whole(text), say.whole(verdict(True))]
    (found,) = ask(a())
    assert (found.by_judge, found.by, found.right, found.asked) == (None, "label", False, True)
    assert found.reason.startswith(("no verdict", "http"))
    assert len(server.script) == 1, "asked twice, not three times"


def test_the_same_is_asked_once_and_no_answer_never(server: Any, say: Any, ask: Any) -> None:
    server.script = [say.whole(verdict(True))]
    found = ask(a(), single_answer("?", None, "oedema"), a(), a())
    assert [one.right for one in found] == [True, False, True, True]
    assert [one.asked for one in found] == [True, False, True, True]
    assert len(server.requests) == 1


def test_verdicts_are_asked_for_at_once_but_not_more_than_four(server: Any, say: Any, ask: Any) -> None:
    under_way: list[int] = []
    most: list[int] = []

    def slowly(body: Any) -> Any:
        under_way.append(1)
        most.append(len(under_way))
        time.sleep(0.05)
        under_way.pop()
        return say.whole(verdict("right" in body["messages"][1]["content"]))

    server.script = [slowly] * 12
    found = ask(*(a("gold", f"{'right' if k % 3 else 'wrong'} {k}") for k in range(12)))
    assert [one.right for one in found] == [bool(k % 3) for k in range(12)], "each has its own verdict"
    assert 1 < max(most) <= 4


def test_an_endpoint_that_is_down_is_given_up_and_every_row_says_why(server: Any, say: Any, ask: Any) -> None:
    server.script = [say.status(401, "no key")] * 40
    found = ask(*(a(answer=f"x {k}") for k in range(40)))
    assert all(one.asked and one.by_judge is None and "401" in one.reason for one in found)
    assert 3 <= len(server.requests) <= 8
