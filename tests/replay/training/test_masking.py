"""Token by token: what a model is trained to write is what it wrote, and nothing that it was given."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinseek_core.tools.ehr_specs import EHR_TOOLS
from clinseek_replay.training.masking import IGNORED, labels_of, left_truncated
from clinseek_replay.training.rendering import spans_of_assistant

WORDS = st.text(st.sampled_from("abc xyz<>é漢\n"), max_size=20)
MESSAGES = st.lists(st.tuples(st.sampled_from(["assistant", "tool", "user"]), WORDS), min_size=1, max_size=8)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.integers(1, 4), max_size=40),
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=4),
)
def test_a_token_is_learned_where_all_of_it_is_the_models_own(
    widths: list[int], cuts: list[tuple[int, int]]
) -> None:
    """Against a table of characters, filled one by one."""
    offsets, at = [], 0
    for width in widths:
        offsets.append((at, at + width))
        at += width
    spans, last = [], 0
    for begin, length in sorted(cuts):
        if begin >= last:
            spans.append((begin, begin + length))
            last = begin + length
    own = {character for begin, end in spans for character in range(begin, end)}
    # Two spans that touch are two turns: a token over their border is nobody's alone.
    border = {begin for begin, _ in spans}
    ids = list(range(len(offsets)))
    expected = [
        token
        if set(range(*offset)) <= own and not any(offset[0] < edge < offset[1] for edge in border)
        else IGNORED
        for token, offset in zip(ids, offsets, strict=True)
    ]
    assert labels_of(ids, offsets, spans) == expected


@settings(max_examples=40, deadline=None)
@given(MESSAGES)
def test_with_a_real_tokenizer_the_learned_tokens_spell_the_models_turns(made: Any) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    turns = [{"role": role, "content": text} for role, text in made]
    text, spans = spans_of_assistant(turns, EHR_TOOLS[:1], "json")
    bpe = tokenizers.Tokenizer(tokenizers.models.BPE())
    bpe.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=["<|im_start|>", "<|im_end|>"],
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator([text], trainer)
    found = bpe.encode(text, add_special_tokens=False)
    labels = labels_of(found.ids, found.offsets, spans)
    learned = [offset for offset, label in zip(found.offsets, labels, strict=True) if label != IGNORED]
    assert all(any(begin <= start and stop <= end for begin, end in spans) for start, stop in learned)
    ends = [
        offset for offset, token in zip(found.offsets, found.tokens, strict=True) if token == "<|im_end|>"
    ]
    # The mark of its own end is learned at every turn of the model, and at no other.
    assert [offset in learned for offset in ends] == [
        any(begin <= offset[0] and offset[1] <= end for begin, end in spans) for offset in ends
    ]
    assert sum(offset in learned for offset in ends) >= sum(role == "assistant" for role, _ in made)


def test_a_long_run_loses_its_beginning() -> None:
    assert left_truncated([1, 2, 3, 4], 3) == [2, 3, 4]
    assert left_truncated([1], 3) == [1]
