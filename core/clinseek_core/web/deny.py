"""Pages that give a benchmark or its data away: no run is shown them, and an audit looks for them."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

__all__ = ["DENIED", "Denied", "denied"]


class Denied(NamedTuple):
    """Pages of a site that hold a benchmark's cases, their answers, or the patients they are made of."""

    host: str
    """The host, or one that ends in it."""
    path: str
    """A pattern of the path's beginning, in any case."""
    why: str


DENIED = (
    Denied("github.com", r"/UCSC-VLAA/ClinSeek", "the benchmark's repository"),
    Denied("githubusercontent.com", r"/UCSC-VLAA/ClinSeek", "the benchmark's repository"),
    Denied("ucsc-vlaa.github.io", r"/ClinSeek", "the benchmark's page"),
    Denied("github.com", r"/BlueZeros/AgentEHR", "a benchmark's repository"),
    Denied("githubusercontent.com", r"/BlueZeros/AgentEHR", "a benchmark's repository"),
    Denied("github.com", r"/MAGIC-AI4Med/EHR-R1", "where its cases come from"),
    Denied("github.com", r"/baeseongsu/(?:ehrxqa|mimic-cxr-vqa)", "where its cases come from"),
    Denied("github.com", r"/nyuad-cai/MedMod", "where its cases come from"),
    Denied("github.com", r"/(?:glee4810/EHRSQL|stanfordmlgroup/MedAgentBench)", "a benchmark on such data"),
    Denied("huggingface.co", r"/datasets/[^?#]*(?:clinseek|agentehr|ehr|medmod|mimic)", "a set of cases"),
    Denied("hf.co", r"/datasets/[^?#]*(?:clinseek|agentehr|ehr|medmod|mimic)", "a set of cases"),
    Denied("physionet.org", r"/(?:content|files|lightwave)/(?:mimic|ehr|medmod)", "the patients' own data"),
    Denied("kaggle.com", r"/(?:datasets|code)/[^?#]*mimic", "the patients' own data"),
)

_INNER = re.compile(r"https?:/{1,2}[^\s\"'<>]{1,2000}", re.IGNORECASE)
"""An address within another one."""


def denied(url: str) -> Denied | None:
    """The line of the table that an address falls under, also as an archive or a proxy names it."""
    return _denied(url) or next(filter(None, map(_denied, _INNER.findall(unquote(url)[1:]))), None)


def _denied(url: str) -> Denied | None:
    try:
        parts = urlsplit(url)
        host, path = (parts.hostname or "").rstrip("."), unquote(parts.path)
    except ValueError:
        return None
    # `//a/./b` is the same page as `/a/b` to most servers.
    path = re.sub(r"/(?:\.?/)+", "/", f"/{path}")
    for line in DENIED:
        same = host == line.host or host.endswith(f".{line.host}")
        if same and re.match(line.path, path, re.IGNORECASE):
            return line
    return None
