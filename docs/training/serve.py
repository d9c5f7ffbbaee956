"""Serve a checkpoint of finetune.py behind an OpenAI-compatible endpoint on this machine.

`python docs/training/serve.py out/ --port 8011 --form json`. For trying a small model end to end; a large one
is served by vLLM or SGLang with the model's own chat template. Calls are written as text, as the model
learned them; `clinseek-tui run` reads them there.
"""

from __future__ import annotations

import argparse
import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from clinseek_core.tools import ToolSpec
from clinseek_replay.training.rendering import Form, as_text

END = "<|im_end|>"


class Model:
    """The checkpoint, asked by one request at a time."""

    def __init__(self, folder: Path, form: Form, new_tokens: int) -> None:
        self.name = folder.name
        self._form = form
        self._new_tokens = new_tokens
        self._tokenizer = AutoTokenizer.from_pretrained(folder)
        self._model = AutoModelForCausalLM.from_pretrained(folder).eval()
        self._lock = Lock()

    def completion(self, request: dict[str, Any]) -> dict[str, Any]:
        """A chat completion, whole."""
        tools = [ToolSpec(**tool["function"]) for tool in request.get("tools", ())]
        messages = [self._message(message) for message in request["messages"]]
        prompt = as_text(messages, tools, self._form) + "<|im_start|>assistant\n"
        longest = self._model.config.max_position_embeddings - self._new_tokens
        with self._lock, torch.inference_mode():
            ids = self._tokenizer(prompt, return_tensors="pt", add_special_tokens=False)["input_ids"][
                :, -longest:
            ]
            torch.manual_seed(0)
            made = self._model.generate(
                ids,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=self._new_tokens,
                do_sample=False,
                eos_token_id=self._tokenizer.convert_tokens_to_ids(END),
                pad_token_id=self._tokenizer.pad_token_id,
            )[0, ids.shape[1] :]
        text = self._tokenizer.decode(made, skip_special_tokens=True).removesuffix(END)
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
        usage = {"prompt_tokens": ids.shape[1], "completion_tokens": len(made)}
        return {
            "id": f"chatcmpl-{time.time_ns()}",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": self.name,
            "choices": [choice],
            "usage": usage | {"total_tokens": sum(usage.values())},
        }

    @staticmethod
    def _message(message: dict[str, Any]) -> dict[str, Any]:
        """With arguments as objects, and content as text."""
        kept = message | {"content": message.get("content") or ""}
        if message.get("tool_calls"):
            kept["tool_calls"] = [
                {
                    "function": call["function"]
                    | {"arguments": json.loads(call["function"]["arguments"] or "{}")}
                }
                for call in message["tool_calls"]
            ]
        return kept


def handler(model: Model) -> type[BaseHTTPRequestHandler]:
    """The requests that are answered: chat completions, and the list of models."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._send(200, {"object": "list", "data": [{"id": model.name, "object": "model"}]})

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["content-length"])))
            if request.get("stream"):
                self._send(400, {"error": {"message": "stream is not supported", "param": "stream"}})
            else:
                self._send(200, model.completion(request))

        def log_message(self, *_: object) -> None:
            pass

        def _send(self, status: int, value: dict[str, Any]) -> None:
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", type=Path, help="the folder that finetune.py wrote")
    parser.add_argument("--port", type=int, default=8011)
    parser.add_argument("--form", choices=("xml", "json"), default="json")
    parser.add_argument("--new-tokens", type=int, default=200)
    args = parser.parse_args()
    server = ThreadingHTTPServer(
        ("127.0.0.1", args.port), handler(Model(args.model, args.form, args.new_tokens))
    )
    print(f"serving {args.model.name} at http://127.0.0.1:{server.server_port}/v1", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
