"""Fine-tune a model on an export of runs: `python docs/training/finetune.py train/ out/ --config tiny.toml`.

`train/` is what `clinseek-tui export RUNS --to sft` wrote. The trainer is TRL's SFTTrainer. It is given
tokens and labels that were made here, from the same text that a server has to render: only what the model
itself writes is learned, and long runs lose their beginning. With a table `[tiny]` in the configuration the
model is a new one with random weights and its tokenizer is trained on the export; else `model` names one.
"""

from __future__ import annotations

import argparse
import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)
from trl import SFTConfig, SFTTrainer

from clinseek_core.tools import ToolSpec
from clinseek_replay.training.masking import labels_of, left_truncated
from clinseek_replay.training.rendering import Form, spans_of_assistant

PAD, BEGIN, END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"


def texts(split: Path, form: Form) -> Iterator[tuple[str, list[tuple[int, int]]]]:
    """The runs of a split as texts, each with the spans that are the model's own."""
    with split.open(encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            tools = [ToolSpec(**tool["function"]) for tool in row["tools"]]
            yield spans_of_assistant(row["messages"], tools, form)


def tiny_tokenizer(corpus: Iterator[str], vocabulary: int) -> PreTrainedTokenizerFast:
    """A byte-level BPE trained on the texts."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[PAD, BEGIN, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    made.train_from_iterator(corpus, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=made, pad_token=PAD, eos_token=END)


def tiny_model(config: dict[str, Any], tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    """A small decoder with random weights; it sees no further back than it is trained to."""
    torch.manual_seed(config["seed"])
    small = config["tiny"]
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=small["hidden_size"],
            intermediate_size=4 * small["hidden_size"],
            num_hidden_layers=small["layers"],
            num_attention_heads=small["heads"],
            max_position_embeddings=config["max_tokens"],
            pad_token_id=tokenizer.pad_token_id,
            eos_token_id=tokenizer.eos_token_id,
            bos_token_id=None,
        )
    )


def encoded(split: Path, config: dict[str, Any], tokenizer: Any) -> Dataset:
    """Tokens and labels of a split; with `first_turns`, also of runs up to each of so many first turns."""
    rows = []
    for text, spans in texts(split, config["form"]):
        found = tokenizer(text, return_offsets_mapping=True, add_special_tokens=False)
        labels = labels_of(found["input_ids"], found["offset_mapping"], spans)
        ends = [end for _, end in spans[: config.get("first_turns", 0)]] + [len(text)]
        for end in ends:
            taken = sum(stop <= end for _, stop in found["offset_mapping"])
            ids = left_truncated(found["input_ids"][:taken], config["max_tokens"])
            row = {"input_ids": ids, "labels": left_truncated(labels[:taken], config["max_tokens"])}
            rows.append(row | {"attention_mask": [1] * len(ids)})
    return Dataset.from_list(rows)


def main() -> None:
    """Train and save."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path, help="an export: train.jsonl and validation.jsonl")
    parser.add_argument("out", type=Path, help="where the model goes")
    parser.add_argument("--config", type=Path, required=True)
    args = parser.parse_args()
    config = tomllib.loads(args.config.read_text())
    form: Form = config["form"]
    train = args.data / "train.jsonl"
    if "tiny" in config:
        tokenizer = tiny_tokenizer((text for text, _ in texts(train, form)), config["tiny"]["vocabulary"])
        model = tiny_model(config, tokenizer)
    else:
        tokenizer = AutoTokenizer.from_pretrained(config["model"])
        model = AutoModelForCausalLM.from_pretrained(config["model"], dtype=torch.bfloat16)
    data = encoded(train, config, tokenizer)
    validation = args.data / "validation.jsonl"
    held_out = encoded(validation, config, tokenizer) if validation.stat().st_size else None
    trainer = SFTTrainer(
        model=model,
        processing_class=tokenizer,
        train_dataset=data,
        eval_dataset=held_out,
        args=SFTConfig(
            output_dir=str(args.out),
            seed=config["seed"],
            max_length=None,
            report_to=[],
            dataset_kwargs={"skip_prepare_dataset": True},
            **config["trainer"],
        ),
    )
    learned = sum(label >= 0 for row in data["labels"] for label in row)
    print(f"{len(data)} sequences, {sum(map(len, data['input_ids'])):,} tokens, {learned:,} of them learned")
    trainer.train()
    trainer.save_model(str(args.out))
    tokenizer.save_pretrained(str(args.out))
    losses = [(entry["step"], entry["loss"]) for entry in trainer.state.log_history if "loss" in entry]
    for step, loss in losses:
        print(f"step {step:5}  loss {loss:7.3f}  {'#' * round(8 * loss)}")
    (args.out / "losses.json").write_text(json.dumps(losses))


if __name__ == "__main__":
    main()
