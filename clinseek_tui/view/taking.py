"""What may be taken out of the screen as text: what the open pane shows, whole and made visible."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from clinseek_core.journal.events import Table
from clinseek_core.text import one_line, visible
from clinseek_tui.view.blocks import Document
from clinseek_tui.view.film_page import FilmPage
from clinseek_tui.view.lens import LensPage

if TYPE_CHECKING:
    from clinseek_tui.view.looking import Looking

__all__ = ["taken"]

_CELL = 1_000_000
_LENS_WIDTH = 100


def taken(looking: Looking) -> str:
    """The text of the pane: the blocks of a document, or a table's header and rows with tabs between cells.

    Control characters of the run are made visible, so that what is pasted into a terminal does nothing there.
    """
    body = looking.content.body
    if isinstance(body, Table):
        lines = _table(body)
    elif isinstance(body, LensPage):
        lines = _lens(body)
    elif isinstance(body, FilmPage):
        lines = _film(body)
    else:
        lines = _document(body)
    return "".join(f"{line}\n" for line in lines)


def _document(document: Document) -> Iterator[str]:
    for block in document:
        label = f"{one_line(block.label, _CELL)}  " if block.label else ""
        yield label + visible(block.text)


def _lens(page: LensPage) -> Iterator[str]:
    # The readers of tables load where one first looks at times.
    from clinseek_replay.lens_lines import LensLines, drawn  # noqa: PLC0415

    yield from (visible(drawn(line)) for line in LensLines(page.lens, _LENS_WIDTH, page.minutes))


def _table(table: Table) -> Iterator[str]:
    for row in (table.columns, *table.rows):
        yield "\t".join("" if cell is None else one_line(str(cell), _CELL) for cell in row)


def _film(page: FilmPage) -> Iterator[str]:
    """What stands beside the film that the row is about."""
    from clinseek_tui.view.film import FilmLook, beside, caption  # noqa: PLC0415 -- loads with the pane

    look = FilmLook(at=page.at)
    yield caption(page, look)
    yield from _document(beside(page, look, None))
