"""Trails: what a finding leads to. Each says which signs open it and what is looked up then."""

from __future__ import annotations

from string import Template

import msgspec

from clinseek_core.seeker.desk import Desk
from clinseek_core.seeker.overview import Picture
from clinseek_core.seeker.reading import Row, moment, number, rows, whole
from clinseek_core.seeker.script import Ask, Script, Turn
from clinseek_core.seeker.signs import Signs
from clinseek_core.seeker.sources import Schema, timestamp
from clinseek_core.seeker.weigh import Weighed
from clinseek_core.seeker.words import counted, listed, quoted, sentences

__all__ = ["follow_signs", "follow_drugs"]
