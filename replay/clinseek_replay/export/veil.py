"""What of a run may stand on a page that is handed on: all of it, or nothing that was the patient's.

Behind the veil a text is told by its size and a digest. The digest has a key that is made for the page and
kept nowhere: equal texts on a page can be told to be equal, and nobody can look a digest up.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable

from clinseek_core.mimic import tables
from clinseek_core.tools.ehr_specs import EHR_TOOLS
from clinseek_replay.amounts import data_size
from clinseek_replay.export.markup import Content, Markup, element

__all__ = ["Veil"]

_DATE = re.compile(
    r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[ T]\d{1,2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)?|\d{1,2}:\d{2}(?::\d{2})?"
)
_ID = re.compile(r"\d{4,}(?:\.\d+)?")
"""Numbers as long as ids are: subject_id, hadm_id, stay_id; a year too."""

_TOOL_NAMES = frozenset(spec.name for spec in EHR_TOOLS)
_OTHER_TOOLS = re.compile(
    r"browser\.(search|open|find)|image\.(image_visualizer|dicom_processor|chest_xray_(classifier"
    r"|report_generator|segmentation)|xray_phrase_grounding)"
)
_ARGUMENTS = frozenset(name for spec in EHR_TOOLS for name in spec.parameters["properties"])
_TABLES = frozenset(tables())
_COLUMNS = frozenset(column.name for info in tables().values() for column in info.columns)
_LONGEST = 20_000
"""Characters of one text that are shown."""
_PAGE = 8_000_000
"""Characters of such texts that one page holds; then they are left out."""


class Veil:
    """Shows the texts of one page, or veils them; counts what it has shown."""

    def __init__(self, *, with_patient_text: bool, known_names: Iterable[str] = ()) -> None:
        """`known_names` are names of the case, its gold and its candidates, which are shown anyway."""
        self.open = with_patient_text
        self._key = secrets.token_bytes(16)
        self._known = frozenset(known_names)
        self._left = _PAGE

    def block(self, text: str, *, prose: bool = False) -> Content:
        """A text of any length as a block of its own."""
        if not self.open:
            return element("p", self._told_by_size(text))
        shown = text[: min(_LONGEST, self._left)]
        self._left -= len(shown)
        block = element("pre", shown, class_="prose" if prose else None)
        if len(shown) == len(text):
            return block
        left_out = f"Cut here: {len(shown):,} of {len(text):,} characters are on this page."
        return Markup(block + element("p", left_out, class_="soft"))

    def line(self, text: str) -> Content:
        """A short text within a line, or its size."""
        return _cut(text) if self.open else self._told_by_size(text)

    def label(self, text: str) -> str:
        """A name of the case or of the system: shown, behind the veil without dates and ids."""
        if self.open:
            return _cut(text)
        return _ID.sub("[id]", _DATE.sub("[date]", _cut(text)))

    def name(self, text: str) -> Content:
        """A name answered: shown where the case itself has it, for a model may answer anything."""
        return self.label(text) if self.open or text in self._known else self._told_by_size(text)

    def tool(self, name: str) -> Content:
        """A tool's name: shown where there is such a tool, for a model may call anything."""
        known = name in _TOOL_NAMES or _OTHER_TOOLS.fullmatch(name) is not None
        return _cut(name) if self.open or known else self._told_by_size(name)

    def argument(self, name: str) -> Content:
        """The name of an argument: shown where a tool has one of that name."""
        return _cut(name) if self.open or name in _ARGUMENTS else self._told_by_size(name)

    def table(self, value: str) -> Content:
        """The name of a table: shown where the record has one of that name."""
        return _cut(value) if self.open or value in _TABLES else self._told_by_size(value)

    def column(self, name: str) -> Content:
        """The name of a column: shown where the record has one of that name."""
        return _cut(name) if self.open or name in _COLUMNS else self._told_by_size(name)

    def _told_by_size(self, text: str) -> Content:
        if not text:
            return element("span", "nothing", class_="veiled")
        data = text.encode("utf-8", "replace")
        digest = hashlib.blake2b(data, digest_size=4, key=self._key).hexdigest()
        return element("span", f"{data_size(len(data))}, digest {digest}", class_="veiled")


def _cut(text: str) -> str:
    return text if len(text) <= 400 else text[:399] + "…"
