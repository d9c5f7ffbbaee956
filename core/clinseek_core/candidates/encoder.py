"""Sentence embeddings without torch: a BERT-type model's forward pass in numpy, over weights that a user has.

The folder is one that sentence-transformers writes, such as all-MiniLM-L6-v2's: `config.json`,
`tokenizer.json`, `model.safetensors`. The embedding is the mean over a text's tokens, of length one (Reimers
and Gurevych, EMNLP 2019). Needs the extra `embedding`: safetensors and tokenizers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from clinseek_core.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from tokenizers import Tokenizer

    Floats = np.ndarray[Any, np.dtype[np.float32]]

__all__ = ["MODEL_FILES", "SentenceEncoder"]

MODEL_FILES = ("config.json", "model.safetensors", "tokenizer.json")
_MAX_TOKENS = 256
_TOKENS_A_BATCH = 2048
_TOLD_EVERY = 2000


class _Config(msgspec.Struct, frozen=True):
    """What config.json says of the model's shape."""

    model_type: str
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    intermediate_size: int
    vocab_size: int
    max_position_embeddings: int
    hidden_act: str = "gelu"
    layer_norm_eps: float = 1e-12
    position_embedding_type: str = "absolute"


class _Pooling(msgspec.Struct, frozen=True):
    pooling_mode_mean_tokens: bool = True


class _Layer(msgspec.Struct, frozen=True):
    """One layer's weights, each ready to multiply from the right, and biases."""

    attend: tuple[Floats, Floats]
    """Queries, keys and values side by side."""
    mix: tuple[Floats, Floats]
    mix_norm: tuple[Floats, Floats]
    widen: tuple[Floats, Floats]
    narrow: tuple[Floats, Floats]
    narrow_norm: tuple[Floats, Floats]


class SentenceEncoder:
    """Texts to unit vectors. `digest` tells which files it was made of."""

    def __init__(self, folder: Path) -> None:
        """Read and check the folder; InputError names what is missing or unfit."""
        try:
            import safetensors.numpy  # noqa: PLC0415 - an extra
            import tokenizers  # noqa: PLC0415 - an extra
        except ModuleNotFoundError as error:
            raise InputError(
                f"embeddings need the package {error.name};"
                ' install the extra: pip install "clinseek-tui[embedding]"'
            ) from error
        missing = [name for name in MODEL_FILES if not (folder / name).is_file()]
        if missing:
            raise InputError(
                f"{folder}: holds no {' and no '.join(missing)}; name a folder that sentence-transformers"
                " writes, such as all-MiniLM-L6-v2's"
            )
        self._config = _config(folder)
        try:
            tensors = safetensors.numpy.load_file(folder / "model.safetensors")
            self._tokenizer: Tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as error:
            raise InputError(f"{folder}: can't be read ({error}); take its files anew") from error
        self._limit_tokens(folder)
        self._weights = _Weights(tensors, self._config, folder / "model.safetensors")
        self.digest = _digest(folder)

    @property
    def size(self) -> int:
        """How many numbers a vector has."""
        return self._config.hidden_size

    def encode(self, texts: Sequence[str], on_progress: Callable[[int], None] | None = None) -> Floats:
        """The vectors of the texts, one a row; `on_progress` is told how many are done, now and then."""
        import numpy as np  # noqa: PLC0415 - loaded where texts are embedded

        vectors = np.zeros((len(texts), self.size), "f4")
        ids = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        by_length: dict[int, list[int]] = {}
        for place, tokens in enumerate(ids):
            by_length.setdefault(len(tokens), []).append(place)
        done = told = 0
        # Texts of one length go together: nothing is padded, so nothing has to be masked.
        for length, places in sorted(by_length.items()):
            many = max(_TOKENS_A_BATCH // max(length, 1), 1)
            for begin in range(0, len(places), many):
                batch = places[begin : begin + many]
                if length:
                    vectors[batch] = self._forward(np.array([ids[place] for place in batch]))
                done += len(batch)
                if on_progress and done - told >= _TOLD_EVERY:
                    on_progress(done)
                    told = done
        return vectors

    def _forward(self, ids: np.ndarray[Any, Any]) -> Floats:
        """Token numbers, texts by tokens, to unit vectors, texts by size."""
        import numpy as np  # noqa: PLC0415 - loaded where texts are embedded

        weights, eps = self._weights, self._config.layer_norm_eps
        states = weights.words[ids] + weights.positions[: ids.shape[1]] + weights.kind
        states = _normed(states, weights.norm, eps)
        for layer in weights.layers:
            mixed = _affine(_attention(states, layer, self._config.num_attention_heads), layer.mix)
            states = _normed(states + mixed, layer.mix_norm, eps)
            wide = _gelu(_affine(states, layer.widen))
            states = _normed(states + _affine(wide, layer.narrow), layer.narrow_norm, eps)
        mean = states.mean(axis=1)
        unit: Floats = mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-9)
        return unit

    def _limit_tokens(self, folder: Path) -> None:
        if self._tokenizer.get_vocab_size() > self._config.vocab_size:
            raise InputError(
                f"{folder / 'tokenizer.json'}: knows {self._tokenizer.get_vocab_size()} tokens, the model"
                f" {self._config.vocab_size}; take the files of one model"
            )
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(min(_MAX_TOKENS, self._config.max_position_embeddings))


class _Weights:
    """The tensors that the forward pass uses, their shapes checked."""

    def __init__(self, tensors: dict[str, Any], config: _Config, path: Path) -> None:
        size, wide = config.hidden_size, config.intermediate_size
        prefix = "bert." if "bert.embeddings.word_embeddings.weight" in tensors else ""

        def tensor(name: str, *shape: int) -> Floats:
            found = tensors.get(prefix + name)
            if found is None or found.shape != shape or found.dtype.kind != "f":
                told = "is missing" if found is None else f"is {found.dtype} of shape {found.shape}"
                raise InputError(f"{path}: {name} {told}, not numbers of shape {shape}; take the file anew")
            single: Floats = found.astype("f4")
            return single

        def affine(name: str, into: int, out: int) -> tuple[Floats, Floats]:
            return tensor(f"{name}.weight", out, into).T.copy(), tensor(f"{name}.bias", out)

        def norm(name: str) -> tuple[Floats, Floats]:
            return tensor(f"{name}.weight", size), tensor(f"{name}.bias", size)

        self.words = tensor("embeddings.word_embeddings.weight", config.vocab_size, size)
        self.positions = tensor("embeddings.position_embeddings.weight", config.max_position_embeddings, size)
        kinds = tensors.get(f"{prefix}embeddings.token_type_embeddings.weight")
        many = 2 if kinds is None else len(kinds)
        self.kind = tensor("embeddings.token_type_embeddings.weight", many, size)[0]
        self.norm = norm("embeddings.LayerNorm")
        self.layers = []
        for number in range(config.num_hidden_layers):
            layer = f"encoder.layer.{number}"
            parts = [
                affine(f"{layer}.attention.self.{part}", size, size) for part in ("query", "key", "value")
            ]
            self.layers.append(
                _Layer(
                    attend=_side_by_side(parts),
                    mix=affine(f"{layer}.attention.output.dense", size, size),
                    mix_norm=norm(f"{layer}.attention.output.LayerNorm"),
                    widen=affine(f"{layer}.intermediate.dense", size, wide),
                    narrow=affine(f"{layer}.output.dense", wide, size),
                    narrow_norm=norm(f"{layer}.output.LayerNorm"),
                )
            )


def _config(folder: Path) -> _Config:
    path = folder / "config.json"
    try:
        config = msgspec.json.decode(path.read_bytes(), type=_Config)
        pooling_file = folder / "1_Pooling" / "config.json"
        pooling = (
            msgspec.json.decode(pooling_file.read_bytes(), type=_Pooling)
            if pooling_file.is_file()
            else _Pooling()
        )
    except (OSError, msgspec.MsgspecError) as error:
        raise InputError(f"{path}: is no model's config ({error}); take the file anew") from error
    asked = {
        "model_type": (config.model_type, "bert"),
        "hidden_act": (config.hidden_act, "gelu"),
        "position_embedding_type": (config.position_embedding_type, "absolute"),
        "pooling by mean": (pooling.pooling_mode_mean_tokens, True),
        "hidden_size over num_attention_heads leaves": (
            config.hidden_size % max(config.num_attention_heads, 1),
            0,
        ),
    }
    for name, (found, wanted) in asked.items():
        if found != wanted:
            raise InputError(
                f"{path}: {name} is {found}, not {wanted}; take a model such as all-MiniLM-L6-v2"
            )
    return config


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for name in MODEL_FILES:
        digest.update(hashlib.sha256((folder / name).read_bytes()).digest())
    return digest.hexdigest()


def _side_by_side(parts: Sequence[tuple[Floats, Floats]]) -> tuple[Floats, Floats]:
    import numpy as np  # noqa: PLC0415 - loaded where texts are embedded

    return np.hstack([weight for weight, _ in parts]), np.hstack([bias for _, bias in parts])


def _affine(states: Floats, weights: tuple[Floats, Floats]) -> Floats:
    flat = states.reshape(-1, states.shape[-1]) @ weights[0]
    flat += weights[1]
    return flat.reshape(*states.shape[:-1], -1)


def _attention(states: Floats, layer: _Layer, heads: int) -> Floats:
    """Scaled dot-product attention of every head (Vaswani et al., NeurIPS 2017), heads side by side."""
    import numpy as np  # noqa: PLC0415 - loaded where texts are embedded

    many, length, size = states.shape
    split = _affine(states, layer.attend).reshape(many, length, 3, heads, size // heads)
    query, key, value = split.transpose(2, 0, 3, 1, 4)
    scores = query @ key.transpose(0, 1, 3, 2)
    scores *= 1 / np.sqrt(np.float32(size // heads))
    scores -= scores.max(axis=-1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=-1, keepdims=True)
    joined: Floats = (scores @ value).transpose(0, 2, 1, 3).reshape(many, length, size)
    return joined


def _normed(states: Floats, weights: tuple[Floats, Floats], eps: float) -> Floats:
    import numpy as np  # noqa: PLC0415 - loaded where texts are embedded

    states = states - states.mean(axis=-1, keepdims=True)
    states /= np.sqrt((states * states).mean(axis=-1, keepdims=True) + np.float32(eps))
    states *= weights[0]
    states += weights[1]
    return states


def _gelu(x: Floats) -> Floats:
    """x times the normal distribution's function; its error function by Abramowitz and Stegun 7.1.26."""
    import numpy as np  # noqa: PLC0415 - loaded where texts are embedded

    z = np.abs(x)
    z *= np.float32(np.sqrt(0.5))
    t = 1 / (1 + np.float32(0.3275911) * z)
    series = np.float32(1.061405429) * t
    for factor in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
        series += np.float32(factor)
        series *= t
    z *= -z
    np.exp(z, out=z)
    error = np.copysign(1 - series * z, x)
    error += 1
    error *= x
    error *= np.float32(0.5)
    return error
