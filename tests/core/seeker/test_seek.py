"""The whole way through the bundled cases, on the real tools."""

import re

import msgspec
import pytest


@pytest.fixture(params=range(3), ids=["pyxis", "conditions", "length of stay"])
def bundled(request, seeking):
    return seeking.run(seeking.cases[request.param])


class TestEveryRun:
    def test_opens_the_record_reads_the_schema_queries_and_finishes(self, bundled):
        names = bundled.names
        assert names[:4] == ["ehr.think", "ehr.load_ehr", "ehr.think", "ehr.get_table_names"]
        for name in ("ehr.get_column_names", "ehr.get_latest_records", "ehr.run_sql_query"):
            assert names.index(name) > 3
        assert names[-2:] == ["ehr.think", "ehr.finish"]
        assert names.count("ehr.finish") == 1
        assert 8 <= len(bundled.replies) <= 30

    def test_meets_no_error(self, bundled):
        assert bundled.errors == []

    def test_says_that_no_language_model_speaks(self, bundled):
        assert "rule-based policy" in bundled.thoughts[0]
        assert "no language model" in bundled.thoughts[0]
        assert "without a language model" in bundled.thoughts[-1]

    def test_thinks_in_short_plain_sentences(self, bundled):
        for thought in bundled.thoughts:
            assert thought == " ".join(thought.split())
            assert thought[-1] in ".?"
            assert len(thought) < 2_500
            assert not re.search(r"None|nan\b|\(\)|: \.|\{", thought), thought

    def test_answers_from_the_candidates(self, bundled, seeking):
        case = next(case for case in seeking.cases if seeking.run(case) is bundled)
        assert set(bundled.answer) <= set(case.candidates)
        assert bundled.answer


class TestTheReplyIsAFunctionOfTheConversation:
    def test_the_same_conversation_gets_the_same_reply_at_every_turn(self, bundled, seeking):
        for messages, reply in bundled.replies:
            assert seeking.ask(messages) == reply

    def test_a_turn_cut_off_between_its_calls_is_completed(self, bundled, seeking):
        messages, reply = bundled.replies[4]
        (last,) = bundled.messages[len(messages) + len(reply.calls) :][:1]
        cut = bundled.messages[: len(messages) + len(reply.calls)]
        rest = seeking.ask(cut).calls
        assert [call.name for call in rest] == [last.name]
        assert rest[0].arguments == reply.calls[-1].arguments


class TestItSeesOnlyWhatItIsShown:
    def test_renaming_the_case_and_turning_the_gold_changes_nothing(self, seeking):
        for case in seeking.cases:
            other = msgspec.structs.replace(
                case, qid="renamed", task="another_task", gold=tuple(reversed(case.candidates))[:2]
            )
            tools = seeking.tools_of(case.subject_id, case.prediction_time)
            assert seeking.converse(other, tools).messages == seeking.run(case).messages

    def test_the_order_of_candidates_decides_nothing(self, seeking):
        for case in seeking.cases:
            turned = msgspec.structs.replace(case, candidates=case.candidates[::-1])
            assert seeking.run(turned).answer == seeking.run(case).answer

    def test_another_patient_is_another_record(self, seeking):
        """Each question is asked about each patient: the evidence differs, and so do answers."""
        for case in seeking.cases:
            runs = []
            for patient in seeking.cases:
                moved = msgspec.structs.replace(
                    case, subject_id=patient.subject_id, prediction_time=patient.prediction_time
                )
                runs.append(seeking.run(moved))
            assert len({run.thoughts[-1] for run in runs}) == len(runs), case.question
            assert len({tuple(run.answer) for run in runs}) > 1, case.question
