"""The image pane: films as lines of cells, what was found on them at their side; read in another process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.segment import Segment
from rich.style import Style
from textual import events, on, work
from textual.geometry import Offset, Region, Size
from textual.strip import Strip

from clinseek_core.errors import ClinseekError
from clinseek_core.imaging.viewing import FilmView, SeenFilm
from clinseek_replay.films import RunFilm
from clinseek_tui.background import apart
from clinseek_tui.film.cells import DRAWINGS, Drawing, rows_of
from clinseek_tui.film.desk import FilmDesk, Sight, Wish
from clinseek_tui.film.drawn import drawn_film
from clinseek_tui.glyphs import Ascii
from clinseek_tui.view.blocks import GAP, Block, Document, label_width
from clinseek_tui.view.film import STEP, FilmLook, Mark, beside, caption, marks_of, prior_caption, prior_in
from clinseek_tui.view.film_page import FilmPage
from clinseek_tui.view.film_room import Room, room_for
from clinseek_tui.view.grid import fitted
from clinseek_tui.view.wrap import shown, wrapped
from clinseek_tui.widgets.film_panel import Panel
from clinseek_tui.widgets.inks import GROUND, ink_style, with_sign
from clinseek_tui.widgets.painted import Painted, Piece

if TYPE_CHECKING:
    from clinseek_tui.film.pixels import Pixels

__all__ = ["FilmPane"]

_PATIENCE_S = 0.2
"""What takes longer is told of; until then the film before stays."""


class FilmPane(Painted):
    """Shows a FilmPage; `show` replaces it, and the keys change what is looked at."""

    ALLOW_SELECT = False

    DEFAULT_CSS = """
    FilmPane { overflow: hidden; scrollbar-size: 0 0; }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 -- Textual's
        super().__init__(id=id, classes=classes)
        self.look = FilmLook()
        """What is looked at."""
        self._page: FilmPage | None = None
        self._desk: FilmDesk | None = None
        self._wished: tuple[Wish, ...] = ()
        self._wanted: tuple[Wish, ...] | None = None
        self._sights: tuple[Sight, ...] = ()
        self._seen_of: tuple[Wish, ...] = ()
        """What they were wished by."""
        self._reading = False
        self._held_at: Offset | None = None
        """Where the mouse was last, while it holds the film."""
        self._canvas: list[list[Piece]] = []
        self._panels: list[Panel] = []
        """Films that are sent as pixels, from left to right."""
        self._from = 0
        """The first line of the text beside the film that is shown."""

    @property
    def count(self) -> int:
        """How many films there are."""
        return len(self._page.films) if self._page is not None else 0

    @property
    def sights(self) -> tuple[Sight, ...]:
        """What was seen last, of the film looked at last of all."""
        return self._sights

    @property
    def drawing(self) -> Drawing:
        """How films are drawn here: by what the app knows of its terminal."""
        app = self.app
        if self._pixels is not None and self._pixels.widget is not None:
            return self._pixels.drawing
        if app.no_color or any(isinstance(each, Ascii) for each in app.get_line_filters()):
            return DRAWINGS["characters"]
        name = {"truecolor": "blocks", "256": "256"}.get(app.console.color_system or "", "characters")
        return DRAWINGS[name]

    def show(self, page: FilmPage) -> None:
        """Show other films; the same one stays as it is looked at."""
        before, self._page = self._page, page
        if before is not None and (before.films, before.at, before.answer) == page[1:]:
            # The run has grown, or something else of it was found.
            return
        self._from = 0
        same = before is not None and _film_at(before, self.look.at) == page.films[page.at].stem
        self.look = self.look._replace(at=page.at) if same else self.look.of_film(page.at)
        self._look_again()

    def zoom(self, by: int) -> None:
        """Larger, or smaller."""
        self._change(self.look.closer(by))

    def move(self, across: float, down: float) -> None:
        """Over the film, where not all of it is seen."""
        seen = self._seen
        if seen is not None:
            self._change(self.look.moved(across, down, seen.box))

    def contrast(self, by: int) -> None:
        """More contrast, or less."""
        if self._seen is not None:
            self._change(self.look.contrasted(by, self._seen))

    def light(self, by: int) -> None:
        """Brighter, or darker."""
        if self._seen is not None:
            self._change(self.look.brighter(by, self._seen))

    def set_window(self, window: tuple[float, float] | None) -> None:
        """By a window, or by the film's own."""
        self._change(self.look._replace(window=window))

    def whole(self) -> None:
        """All of the film by its own window."""
        self._change(self.look.as_it_was())

    def turn_outlines(self) -> None:
        """With what was found, or without."""
        self._change(self.look._replace(outlines=not self.look.outlines))

    def turn_prior(self) -> bool:
        """With the film before at its side, or alone; whether there is one."""
        self._change(self.look._replace(prior=not self.look.prior))
        return not self.look.prior or self._prior is not None

    def go_films(self, by: int) -> None:
        """The film taken before, or after."""
        at = min(max(self.look.at + by, 0), self.count - 1)
        if at != self.look.at:
            self._from = 0
            self._change(self.look.of_film(at))

    def go(self, lines: int) -> None:
        """Over a film that is larger than its room; else through the text beside it."""
        if self.look.zoom > 1:
            self.move(0, lines)
        else:
            self._from = min(max(self._from + lines, 0), max(len(self._side_lines()) - 1, 0))
            self._draw()

    def go_pages(self, pages: int) -> None:
        """By half of what is seen, or by a page of the text."""
        self.go(pages * 5 if self.look.zoom > 1 else pages * max(self.room.height - 1, 1))

    def go_end(self, direction: int) -> None:
        """To the lower edge, or the upper."""
        self.go(direction * (1000 if self.look.zoom > 1 else 100_000))

    def render_line(self, y: int) -> Strip:
        """A line of films and text, which has its width already: films are thousands of pieces."""
        if y >= len(self._canvas):
            return Strip.blank(self.size.width, self.rich_style)
        strip = Strip([Segment(*piece) for piece in self._canvas[y]])
        missing = self.size.width - strip.cell_length
        return strip if missing == 0 else strip.adjust_cell_length(self.size.width, self.rich_style)

    @on(events.MouseScrollUp)
    @on(events.MouseScrollDown)
    def _wheel(self, event: events.MouseScrollUp | events.MouseScrollDown) -> None:
        """Larger, or smaller."""
        event.stop()
        event.prevent_default()
        self.zoom(1 if isinstance(event, events.MouseScrollUp) else -1)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Take hold of the film."""
        self.capture_mouse()
        self._held_at = event.screen_offset

    def on_mouse_up(self) -> None:
        """Let it go."""
        self.release_mouse()
        self._held_at = None

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Move the film that one holds, so far as not all of it is seen."""
        if self._held_at is not None and self.look.zoom > 1:
            by, self._held_at = event.screen_offset - self._held_at, event.screen_offset
            (_, columns), lines = self._room().films[-1], self._room().lines
            self.move(-by.x / columns / STEP, -by.y / lines / STEP)

    @on(events.Resize)
    @on(events.Show)
    def _fit(self) -> None:
        self._look_again()

    def notify_style_update(self) -> None:
        """Draw the text in the new colours."""
        super().notify_style_update()
        self._draw()

    def on_unmount(self) -> None:
        """End the process that reads films."""
        if self._desk is not None:
            self._desk.close()

    @property
    def _pixels(self) -> Pixels | None:
        """How films are sent as pixels, where the app is to do that."""
        pixels: Pixels | None = getattr(self.app, "pixels", None)
        return pixels

    @property
    def _seen(self) -> SeenFilm | None:
        return self._sights[-1].seen if self._sights else None

    @property
    def _prior(self) -> RunFilm | None:
        return prior_in(self._page, self.look) if self._page is not None and self.look.prior else None

    @property
    def _marks(self) -> tuple[Mark, ...]:
        return marks_of(self._page, self.look) if self._page is not None else ()

    def _change(self, look: FilmLook) -> None:
        self.look = look
        self._look_again()

    def _films(self) -> tuple[RunFilm, ...]:
        """What is shown from left to right, the film looked at last."""
        assert self._page is not None  # noqa: S101 - who calls has looked
        film = self._page.films[self.look.at]
        return (film,) if self._prior is None else (self._prior, film)

    def _room(self) -> Room:
        count = len(self._films())
        facts = self._seen.facts if self._seen is not None else None
        ratio = facts.rows / facts.columns if facts is not None else 1.0
        return room_for(self.room.width, self.room.height, count, ratio, self.look.zoom > 1)

    def _look_again(self) -> None:
        """Ask for what is to be seen now, where it is not what was asked for last."""
        if self._page is None or not self.room.width or not self.room.height:
            return
        wishes = tuple(self._wishes(self._page))
        if [wish.key for wish in wishes] == [wish.key for wish in self._wished]:
            self._draw()
            return
        self._wished = self._wanted = wishes
        if not self._reading:
            self._reading = True
            self._read()
            self.set_timer(_PATIENCE_S, self._tell_reading)

    def _wishes(self, page: FilmPage) -> list[Wish]:
        room, drawing, films = self._room(), self.drawing, self._films()
        look, structures = self.look, tuple(each.name for each in page.answer.structures)
        wishes = []
        for (_, columns), film in zip(room.films, films, strict=True):
            current = film is films[-1]
            overlay = page.answer.overlay if current and look.at == page.at and look.outlines else None
            view = FilmView(
                width=columns * drawing.across,
                height=room.lines * drawing.halves,
                tall=drawing.tall,
                zoom=look.zoom,
                x=look.x,
                y=look.y,
                window=look.window if current else None,
                levels=drawing.levels,
                names=structures if overlay is not None else (),
            )
            wishes.append(Wish(page.run, film, view, overlay))
        return wishes

    def _tell_reading(self) -> None:
        """Say that a film is being read, where what is shown is another one."""
        if self._reading and [wish.film for wish in self._wished] != [wish.film for wish in self._seen_of]:
            self._sights = self._seen_of = ()
            self._draw()

    @work(group="film")
    async def _read(self) -> None:
        """See what was asked for last; what was asked for before it is passed over."""
        try:
            while self._wanted is not None:
                wishes, self._wanted = self._wanted, None
                desk = self._opened_desk()
                sights = await apart(lambda: tuple(desk.see(wish) for wish in wishes))  # noqa: B023 - waited for
                if self._wanted is None:
                    self._sights, self._seen_of = sights, wishes
                    self._look_again()
        except ClinseekError as error:
            self._sights = tuple(Sight(error=str(error)) for _ in self._wished)
            self._draw()
        finally:
            self._reading = False

    def _opened_desk(self) -> FilmDesk:
        if self._desk is None:
            self._desk = FilmDesk(getattr(self.screen, "ehr", None))
        return self._desk

    def _draw(self) -> None:
        """Lay all lines out anew."""
        if self._page is None or not self.room.width:
            return
        room, films = self._room(), self._films()
        columns = [self._film_lines(self._page, room, at, film) for at, film in enumerate(films)]
        side = self._side_lines()[self._from :] if room.side_width else []
        blank: Piece = (" ", self.style("plain"))
        canvas = []
        for y in range(self.room.height):
            pieces = [piece for lines in columns for piece in (*lines[y], blank) if piece[0]]
            canvas.append([*pieces, *(side[y] if y < len(side) else ())])
        self._show_panels(room)
        size = Size(self.room.width, self.room.height)
        before, self._canvas = self._canvas, canvas
        if size != self.virtual_size:
            self.virtual_size = size
            self.repaint()
            return
        changed = [y for y, line in enumerate(canvas) if y >= len(before) or line != before[y]]
        self.repaint_lines(*changed)

    def _film_lines(self, page: FilmPage, room: Room, at: int, film: RunFilm) -> list[list[Piece]]:
        """The lines of one film, each as wide as its room, and its caption below."""
        _, width = room.films[at]
        sight = self._sights[at] if at < len(self._sights) else None
        current = at == len(room.films) - 1
        if sight is None or sight.seen is None:
            text = "the film is being read" if sight is None else f"✗ {sight.error}"
            lines = self._words((Block(text, "dim" if sight is None else "error"),), width)
            lines += [[(" " * width, self.style("plain"))]] * room.lines
        else:
            lines = self._dots_lines(sight.seen, width, room.lines, current)
        words = fitted(caption(page, self.look) if current else prior_caption(film), width)
        return [*lines[: room.lines], [(words, self.style("accent" if film.later else "dim"))]]

    def _dots_lines(self, seen: SeenFilm, width: int, height: int, current: bool) -> list[list[Piece]]:
        """The film in cells, in the middle of its room; where it is sent as pixels, only the room."""
        drawing = self.drawing
        drawn = drawn_film(seen, self._marks if current and self.look.outlines else ())
        lines: list[list[Piece]] = []
        if drawing.across == 1:
            rows = rows_of(drawn.dots, drawing, drawn.colours)
            lines = [[(run.text, ink_style(run.upper, run.lower)) for run in row] for row in rows]
            for column, row, text in drawn.signs:
                line = row // drawing.halves
                lines[line] = with_sign(lines[line], column, text)
        left = max((width - seen.width) // 2, 0)
        around = ink_style(None, GROUND)
        lines = [
            [(" " * left, around), *line, (" " * (width - seen.width - left), around)]
            for line in lines[:height]
        ]
        above = (height - len(lines)) // 2
        empty: list[Piece] = [(" " * width, around)]
        return [*[empty] * above, *lines, *[empty] * (height - len(lines) - above)]

    def _show_panels(self, room: Room) -> None:
        """Lay the films that are sent as pixels over their rooms; take away those that are not shown."""
        pixels = self._pixels
        if pixels is None or pixels.widget is None:
            return
        for at, ((begin, columns), sight) in enumerate(zip(room.films, self._sights, strict=False)):
            if at == len(self._panels):
                self._panels.append(Panel(pixels))
            current = at == len(room.films) - 1
            marks = self._marks if current and self.look.outlines else ()
            region = Region(begin, 0, columns, room.lines).translate(self.content_region.offset)
            self._panels[at].show(self.screen, sight.seen, marks, region)
        for panel in self._panels[min(len(room.films), len(self._sights)) :]:
            panel.hide()

    @on(events.Hide)
    def _hide_panels(self) -> None:
        for panel in self._panels:
            panel.hide()

    def _side_lines(self) -> list[list[Piece]]:
        if self._page is None:
            return []
        sight = self._sights[-1] if self._sights else Sight()
        drawn, pixels = self.drawing.says, self._pixels
        if pixels is not None and pixels.widget is None:
            drawn = f"{drawn}; {pixels.says}"
        document = beside(self._page, self.look, sight.seen, sight.note, drawn)
        return self._words(document, self._room().side_width)

    def _words(self, document: Document, width: int) -> list[list[Piece]]:
        """A document's lines, each exactly so many cells wide."""
        indent = min(label_width(document), max(width // 3, 1))
        lines: list[list[Piece]] = []
        for block in document:
            before = indent + GAP if block.label else 0
            for span in wrapped(block.text, max(width - before, 2)):
                text = fitted(shown(block.text[span.start : span.end]), max(width - before, 0))
                label = fitted(block.label if span.start == 0 else "", indent) + " " * GAP if before else ""
                pieces = [(label, self._ink(block.label_style)), (text, self.style(block.style))]
                lines.append([piece for piece in pieces if piece[0]])
        return lines

    def _ink(self, name: str) -> Style:
        """A style by its name, or the colour of a mark."""
        if name.startswith("#"):
            return self.style("strong") + Style(color=name)
        return self.style(name)


def _film_at(page: FilmPage, at: int) -> str:
    return page.films[at].stem if at < len(page.films) else ""
