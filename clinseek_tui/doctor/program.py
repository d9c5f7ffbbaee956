"""Checks of the program itself: Python, the platform, packages, and the processes that it starts."""

from __future__ import annotations

import importlib.metadata
import platform
import subprocess
import sys
from typing import NamedTuple

from clinseek_tui.doctor.check import Check, Here, Outcome, missing, well

__all__ = ["EXTRAS", "PACKAGES", "PROGRAM", "Extra"]

_PYTHONS = ((3, 11), (3, 14))
PACKAGES = (
    "duckdb",
    "httpcore2",
    "httpx2",
    "msgspec",
    "numpy",
    "openai",
    "pillow",
    "prompt-toolkit",
    "pydicom",
    "pyjpegls",
    "rapidfuzz",
    "rich",
    "sqlglot",
    "sqlparse",
    "term-image",
    "textual",
    "zstandard",
)
"""Those that the program is installed with."""


class Extra(NamedTuple):
    """A set of packages for those who want more."""

    name: str
    packages: tuple[str, ...]
    gives: str


EXTRAS = (
    Extra("dicom", ("python-gdcm",), "DICOM files with JPEG lossless compression"),
    Extra(
        "cxr",
        ("safetensors", "torch", "torchvision", "torchxrayvision"),
        "models that look at films, on this machine",
    ),
    Extra("terms", ("simple-icd-10-cm",), "other names of diagnoses in a store"),
    Extra("embedding", ("safetensors", "tokenizers"), "search of candidate names by a sentence model"),
    Extra("mcp", ("mcp", "uvicorn"), "the tools of a case for other agents, by mcp"),
    Extra("ray", ("ray",), "a bench on a cluster, by bench --executor ray"),
    Extra("pixels", ("textual-image",), "films in the app in pixels, in terminals that can"),
    Extra("serve", ("textual-serve",), "the app in a browser, by serve"),
    Extra(
        "train",
        ("accelerate", "datasets", "tokenizers", "torch", "transformers", "trl"),
        "the recipe in docs/training",
    ),
    Extra("web", ("lxml-html-clean", "pypdf", "trafilatura"), "pages of the live web as plain text, and PDF"),
)

_BOUNDED_BYTES = 512 * 1024**2
_TRY_S = 20
_OVER_THE_LIMIT = f"""
import resource
resource.setrlimit(resource.RLIMIT_AS, ({_BOUNDED_BYTES}, {_BOUNDED_BYTES}))
try:
    bytearray({2 * _BOUNDED_BYTES})
except MemoryError:
    print("held")
"""


def _python(_: Here) -> Outcome:
    least, beyond = _PYTHONS
    version = ".".join(map(str, sys.version_info[:3]))
    if least <= sys.version_info[:2] < beyond:
        return well(version)
    wanted = f"{least[0]}.{least[1]} to {beyond[0]}.{beyond[1] - 1}"
    return missing(f"{version}; {wanted} are tested", f"install it with Python {wanted}")


def _platform(_: Here) -> Outcome:
    name = platform.system()
    if name == "Linux":
        return well(name)
    if name == "Darwin":
        return missing("macOS: nothing is tested here", "use Linux where results matter")
    return missing(f"{name}: not made for it", "on Windows: WSL")


def _packages(_: Here) -> Outcome:
    absent = _absent(PACKAGES)
    if not absent:
        return well(f"all {len(PACKAGES)} are installed")
    return missing(f"not installed: {', '.join(absent)}", "install clinseek-tui again: pip install .")


def _memory(_: Here) -> Outcome:
    """Whether a process that eats memory is stopped, by letting one try."""
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-c", _OVER_THE_LIMIT],
            capture_output=True,
            text=True,
            timeout=_TRY_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return missing(f"no process could be tried ({type(error).__name__})", "see what limits processes")
    if done.stdout.strip() == "held":
        return well("a worker that eats memory is stopped")
    return missing(
        "the system does not bound a worker's memory; its time is bounded all the same",
        "Linux bounds it; on macOS look at memory yourself where data comes from others",
    )


def _extra(extra: Extra) -> Check:
    def look(_: Here) -> Outcome:
        absent = _absent(extra.packages)
        if not absent:
            return well(extra.gives)
        return missing(f"{extra.gives}: not installed", f"pip install 'clinseek-tui[{extra.name}]'")

    return Check("extras", extra.name, False, look)


def _absent(names: tuple[str, ...]) -> list[str]:
    def is_absent(name: str) -> bool:
        try:
            importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            return True
        return False

    return [name for name in names if is_absent(name)]


PROGRAM = (
    Check("program", "Python", True, _python),
    Check("program", "platform", False, _platform),
    Check("program", "packages", True, _packages),
    Check("program", "memory limits", False, _memory),
    *map(_extra, EXTRAS),
)
