"""Rows as the text of an observation: small for a model's context, plain to the eye, and nothing lost.

The text is CSV, under lines that say once what rows share:

    in all rows: subject_id=90000001, emar_id=90000001-{emar_seq}
    empty in all rows: enter_provider_id
    unless a row says otherwise: event_txt=Administered, known_at=later of {charttime} and {storetime}
    repeated: [1]="Heparin Flush (10 units/mL), for the peripheral line"
    told by medication: product_code
    Furosemide,FURO20I
    [1],HEPA10SYR
    rows:
    emar_seq,medication,scheduletime,charttime,storetime
    # 2150-03-02, hadm_id=90100001
    12,Furosemide,09:00,09:03,09:04
    13,[1],,09:10,09:10,event_txt=Flushed

- An empty cell is missing. A cell in double quotes (`""` for one) is that text to the letter.
- The lines between `told by medication:` and `rows:` are a table of their own: a row's cell of `medication`
  tells its cells of the columns named there.
- A line that begins with `# ` tells cells of the rows below it, each until another such line tells it anew.
- A time may stand without its `:00` seconds. Without its date it is of the date last told by a `# ` line, or
  where none has told one, of the date first told in its row.
- `{column}` is the text of that column's cell in the same row, `number in {value}` the number that it is,
  `later of {charttime} and {storetime}` the later of two times. Where a cell they name is missing, so is it.
- `[1]` is a text that the line `repeated` gives. `NULL` is a missing cell where a line would else be empty.

`read_block` is the inverse of `as_text`: every cell comes back as `cell_text` has it.
"""

from clinseek_core.tools.rowtext.cells import cell_text
from clinseek_core.tools.rowtext.reading import Block, read_back, read_block
from clinseek_core.tools.rowtext.writing import as_text

__all__ = ["Block", "as_text", "cell_text", "read_back", "read_block"]
