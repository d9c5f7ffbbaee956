"""A small corpus of three pages, written as the format's reference says."""

from __future__ import annotations

from pathlib import Path

import pytest

ABOUT = 'format = "clinseek.corpus/1"\nname = "Three pages"\ndated = 2026-01-15\n'
SEPSIS = """\
+++
title = "Sepsis"
kind = "condition"
topics = ["septicaemia", "septicemia", "organ dysfunction", "SOFA"]
reviewed = 2026-01-10

[[sources]]
title = "Surviving Sepsis Campaign, 2021"
url = "https://link.springer.com/article/10.1007/s00134-021-06506-y"

[[sources]]
title = "World Health Organization: Sepsis, fact sheet"
url = "https://www.who.int/news-room/fact-sheets/detail/sepsis"
+++

Sepsis is life-threatening organ dysfunction by a dysregulated response to infection [1].

## First hours

- Measure [lactate](../lab/lactate.md), and again where it was above 2 mmol/L [1].
- At least 30 mL/kg of crystalloid within three hours where lactate is 4 mmol/L or more [1].

See [the fact sheet](https://www.who.int/news-room/fact-sheets/detail/sepsis) for numbers of the world.
"""
LACTATE = """\
+++
title = "Lactate"
kind = "lab"
topics = ["lactic acid", "hyperlactataemia"]
reviewed = 2026-01-11

[[sources]]
title = "MedlinePlus: Lactic acid test"
url = "https://medlineplus.gov/lab-tests/lactic-acid-test/"
+++

Lactate rises when tissue makes energy without enough oxygen, as in [sepsis](../condition/sepsis.md).

## Reading a value

| value | reading |
|---|---|
| up to 2 mmol/L | usual at rest [1] |
| above 4 mmol/L | severe |
"""
PHENOTYPE = """\
+++
title = "Septicemia (except in labor)"
kind = "phenotype"
topics = ["CCS 2", "blood stream infection"]
reviewed = 2026-01-12

[[sources]]
title = "HCUP Clinical Classifications Software"
url = "https://hcup-us.ahrq.gov/toolssoftware/ccs/ccs.jsp"
+++

The group holds codes of septicemia; see [sepsis](../condition/sepsis.md) for how it shows.
"""
PAGES = {
    "condition/sepsis.md": SEPSIS,
    "lab/lactate.md": LACTATE,
    "phenotype/septicemia.md": PHENOTYPE,
}


@pytest.fixture
def corpus_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    for name, text in {"corpus.toml": ABOUT, **PAGES}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder
