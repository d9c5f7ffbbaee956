"""Sentence embeddings: the forward pass against the formulas written out, and what makes weights unfit."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clinseek_core.candidates import CandidateIndex, build
from clinseek_core.candidates.encoder import SentenceEncoder
from clinseek_core.errors import InputError

tokenizers = pytest.importorskip("tokenizers", reason="the extra `embedding` is not installed")
safetensors = pytest.importorskip("safetensors.numpy", reason="the extra `embedding` is not installed")

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "heart", "failure", "of", "broken", "hip", "fracture"]
SIZE, HEADS, WIDE, LAYERS, LONGEST = 8, 2, 12, 2, 6
CONFIG = {
    "model_type": "bert",
    "hidden_size": SIZE,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "intermediate_size": WIDE,
    "vocab_size": len(WORDS),
    "max_position_embeddings": LONGEST,
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-12,
}


def tensors(seed: int = 0) -> dict[str, np.ndarray[Any, Any]]:
    draw = np.random.default_rng(seed)
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (len(WORDS), SIZE),
        "embeddings.position_embeddings.weight": (LONGEST, SIZE),
        "embeddings.token_type_embeddings.weight": (2, SIZE),
        "embeddings.LayerNorm.weight": (SIZE,),
        "embeddings.LayerNorm.bias": (SIZE,),
    }
    for number in range(LAYERS):
        layer = f"encoder.layer.{number}"
        dense = [(f"attention.self.{part}", SIZE, SIZE) for part in ("query", "key", "value")]
        dense += [
            ("attention.output.dense", SIZE, SIZE),
            ("intermediate.dense", WIDE, SIZE),
            ("output.dense", SIZE, WIDE),
        ]
        for name, out, into in dense:
            shapes |= {f"{layer}.{name}.weight": (out, into), f"{layer}.{name}.bias": (out,)}
        for name in ("attention.output.LayerNorm", "output.LayerNorm"):
            shapes |= {f"{layer}.{name}.weight": (SIZE,), f"{layer}.{name}.bias": (SIZE,)}
    return {name: draw.normal(0, 0.7, shape).astype("f4") for name, shape in shapes.items()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path / "model")


def write(place: Path, config: dict[str, Any] | None = None, weights: dict[str, Any] | None = None) -> Path:
    place.mkdir(exist_ok=True)
    (place / "config.json").write_text(json.dumps(CONFIG | (config or {})))
    safetensors.save_file(tensors() if weights is None else weights, place / "model.safetensors")
    tokenizer = tokenizers.Tokenizer(
        tokenizers.models.WordLevel({word: n for n, word in enumerate(WORDS)}, unk_token="[UNK]")
    )
    tokenizer.normalizer = tokenizers.normalizers.Lowercase()
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    tokenizer.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.save(str(place / "tokenizer.json"))
    return place


def by_formula(ids: list[int], weights: dict[str, np.ndarray[Any, Any]]) -> list[float]:
    """BERT's encoder (Devlin et al., NAACL 2019), the mean and unit length, one number at a time."""
    w = {name: value.tolist() for name, value in weights.items()}

    def affine(x: list[float], name: str) -> list[float]:
        return [
            sum(a * b for a, b in zip(row, x, strict=True)) + bias
            for row, bias in zip(w[f"{name}.weight"], w[f"{name}.bias"], strict=True)
        ]

    def norm(x: list[float], name: str) -> list[float]:
        mean = sum(x) / len(x)
        deviation = math.sqrt(sum((a - mean) ** 2 for a in x) / len(x) + 1e-12)
        return [
            (a - mean) / deviation * scale + bias
            for a, scale, bias in zip(x, w[f"{name}.weight"], w[f"{name}.bias"], strict=True)
        ]

    def added(x: list[float], y: list[float]) -> list[float]:
        return [a + b for a, b in zip(x, y, strict=True)]

    states = []
    for place, token in enumerate(ids):
        word = w["embeddings.word_embeddings.weight"][token]
        position = w["embeddings.position_embeddings.weight"][place]
        kind = w["embeddings.token_type_embeddings.weight"][0]
        states.append(norm(added(added(word, position), kind), "embeddings.LayerNorm"))
    width = SIZE // HEADS
    for number in range(LAYERS):
        layer = f"encoder.layer.{number}"
        q, k, v = (
            [affine(x, f"{layer}.attention.self.{part}") for x in states]
            for part in ("query", "key", "value")
        )
        after = []
        for i, x in enumerate(states):
            mixed: list[float] = []
            for head in range(0, SIZE, width):
                part = slice(head, head + width)
                dots = [sum(a * b for a, b in zip(q[i][part], other[part], strict=True)) for other in k]
                powers = [math.exp(dot / math.sqrt(width)) for dot in dots]
                mixed += [
                    sum(power * value[head + place] for power, value in zip(powers, v, strict=True))
                    / sum(powers)
                    for place in range(width)
                ]
            y = norm(
                added(x, affine(mixed, f"{layer}.attention.output.dense")),
                f"{layer}.attention.output.LayerNorm",
            )
            wide = [
                a * 0.5 * (1 + math.erf(a / math.sqrt(2))) for a in affine(y, f"{layer}.intermediate.dense")
            ]
            after.append(norm(added(y, affine(wide, f"{layer}.output.dense")), f"{layer}.output.LayerNorm"))
        states = after
    mean = [sum(column) / len(states) for column in zip(*states, strict=True)]
    length = math.sqrt(sum(a * a for a in mean))
    return [a / length for a in mean]


def test_the_forward_pass_gives_what_the_formulas_give(folder: Path) -> None:
    texts = ["heart failure", "broken hip", "Fracture of hip", "", "nonsense heart"]
    ids = [[2, 4, 5, 3], [2, 7, 8, 3], [2, 9, 6, 8, 3], [2, 3], [2, 1, 4, 3]]
    vectors = SentenceEncoder(folder).encode(texts)
    assert vectors.shape == (5, SIZE)
    for vector, tokens in zip(vectors, ids, strict=True):
        assert vector.tolist() == pytest.approx(by_formula(tokens, tensors()), abs=2e-5)


def test_a_text_has_one_vector_whatever_stands_beside_it(folder: Path) -> None:
    encoder = SentenceEncoder(folder)
    texts = ["heart failure", "hip", "fracture of hip", "heart failure"] * 3
    together = encoder.encode(texts)
    alone = np.vstack([encoder.encode([text]) for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_longer_texts_are_cut_at_what_the_model_reads(folder: Path) -> None:
    encoder = SentenceEncoder(folder)
    long = encoder.encode(["heart " * 50, "heart heart heart heart"])
    np.testing.assert_allclose(long[0], long[1], atol=1e-6)


def test_the_digest_tells_weights_apart(tmp_path: Path) -> None:
    first = SentenceEncoder(write(tmp_path / "a")).digest
    assert SentenceEncoder(write(tmp_path / "b")).digest == first
    assert SentenceEncoder(write(tmp_path / "c", weights=tensors(1))).digest != first


def without(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def spoiled(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_bytes(b"\x00{")


def reshaped(folder: Path) -> None:
    bad = tensors() | {"encoder.layer.1.output.dense.weight": np.zeros((SIZE, SIZE), "f4")}
    write(folder, weights=bad)


def lacking(folder: Path) -> None:
    weights = tensors()
    del weights["encoder.layer.0.attention.self.key.bias"]
    write(folder, weights=weights)


def pooled_otherwise(folder: Path) -> None:
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode_mean_tokens": false}')


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (without("tokenizer.json"), "holds no tokenizer.json"),
        (without("model.safetensors"), "holds no model.safetensors"),
        (spoiled("config.json"), "no model's config"),
        (spoiled("model.safetensors"), "can't be read"),
        (spoiled("tokenizer.json"), "can't be read"),
        (
            reshaped,
            r"layer.1.output.dense.weight is float32 of shape \(8, 8\), not numbers of shape \(8, 12\)",
        ),
        (lacking, "encoder.layer.0.attention.self.key.bias is missing"),
        (pooled_otherwise, "pooling by mean is False"),
        (lambda folder: write(folder, {"model_type": "t5"}) and None, "model_type is t5, not bert"),
        (lambda folder: write(folder, {"num_attention_heads": 3}) and None, "leaves is 2, not 0"),
        (lambda folder: write(folder, {"vocab_size": 4}) and None, "knows 10 tokens, the model 4"),
    ],
    ids=[
        "no tokenizer",
        "no weights",
        "config",
        "weights",
        "tokenizer",
        "shape",
        "tensor",
        "pooling",
        "kind",
        "heads",
        "vocabulary",
    ],
)
def test_unfit_weights_are_refused_in_words(folder: Path, spoil: Callable[[Path], None], said: str) -> None:
    spoil(folder)
    with pytest.raises(InputError, match=said) as raised:
        SentenceEncoder(folder)
    assert str(folder) in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("package", ["safetensors.numpy", "tokenizers"])
def test_a_missing_package_is_said_with_the_remedy(
    folder: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match=r'pip install "clinseek-tui\[embedding\]"'):
        SentenceEncoder(folder)


TABLE = "prescriptions_candidates"
COLUMNS = ("candidate", "only_subject")


def test_embedded_tables_answer_by_words_and_nearness_from_memory_and_from_a_file(
    folder: Path, tmp_path: Path
) -> None:
    encoder = SentenceEncoder(folder)
    tables: list[Any] = [
        (TABLE, COLUMNS, [("heart failure", None), ("broken hip", None), ("fracture of hip", None)])
    ]
    path = tmp_path / "candidates.sqlite"
    build(path, tables, encoder=encoder).close()
    with (
        CandidateIndex.open(path, 1, encoder) as stored,
        CandidateIndex(build(None, tables, encoder=encoder), 1, encoder) as made,
    ):
        for query in ("hip", "heart", "of", "", "\ud800", "nothing known"):
            assert stored.similar(TABLE, query, 3) == made.similar(TABLE, query, 3)
        assert stored.similar(TABLE, "broken hip", 1) == [("broken hip", 1.0)]
        assert len(stored.similar(TABLE, "unheard", 3)) == 3
    with CandidateIndex.open(path, 1) as plain:
        assert plain.similar(TABLE, "unheard", 3) == []


def test_embeddings_of_hidden_names_change_nothing(folder: Path) -> None:
    encoder = SentenceEncoder(folder)
    others = [("heart failure", 2), ("fracture of hip", 2), ("hip", 3)]
    mine = [("broken hip", 1), ("broken", 1), ("heart of hip", 1)]

    def answers(rows: list[tuple[str, int]]) -> list[Any]:
        with CandidateIndex(build(None, [(TABLE, COLUMNS, rows)], encoder=encoder), 1, encoder) as made:
            return [made.similar(TABLE, query, 5) for query in ("broken hip", "heart", "of")]

    assert answers(others + mine) == answers(others)
    assert answers([*others, ("broken hip", 2)]) != answers(others)


def test_other_weights_or_none_stored_are_refused_with_the_remedy(folder: Path, tmp_path: Path) -> None:
    encoder, other = SentenceEncoder(folder), SentenceEncoder(write(tmp_path / "other", weights=tensors(1)))
    tables: list[Any] = [(TABLE, COLUMNS, [("hip", None)])]
    build(tmp_path / "with", tables, encoder=encoder).close()
    build(tmp_path / "without", tables).close()
    with pytest.raises(InputError, match="embedded with other weights"):
        CandidateIndex.open(tmp_path / "with", 1, other)
    with pytest.raises(InputError, match="hold no embeddings; ingest again"):
        CandidateIndex.open(tmp_path / "without", 1, encoder)
