"""The EHR tools as a model sees them: the paper's eleven, then the reference implementation's five more.

Names and arguments are the reference's, so that models trained on it find what they know; `limit` and
`offset` are new, and the patient may be left out.
"""

from __future__ import annotations

from typing import Any

from clinseek_core.tools.spec import ToolSpec

__all__ = ["EHR_TOOLS"]

_TEXT = {"type": "string"}
_TEXTS = {"anyOf": [_TEXT, {"type": "array", "items": _TEXT}]}
_SUBJECT = {"type": "string", "description": "The patient of this case; no other patient can be read."}
_TABLE = {"type": "string", "description": "A table that ehr.get_table_names lists."}
_CANDIDATES = {"type": "string", "description": "A candidate table that ehr.get_table_names lists."}
_COLUMN = {"type": "string", "description": "A column that ehr.get_column_names lists."}
_TIME = {"type": "string", "description": "YYYY-MM-DD HH:MM:SS, or YYYY-MM-DD for the whole day."}
_LIMIT = {"type": "integer", "description": "Most rows to return.", "minimum": 1, "maximum": 1000}
_NAMES = {
    "type": "integer",
    "description": "Most names to return for each query.",
    "minimum": 1,
    "maximum": 1000,
}
_OFFSET = {"type": "integer", "description": "Rows to leave out at the start.", "minimum": 0}
_PAGE = {"limit": _LIMIT, "offset": _OFFSET}


def _tool(
    name: str, description: str, required: dict[str, Any], optional: dict[str, Any] | None = None
) -> ToolSpec:
    return ToolSpec(
        name=name,
        description=description,
        parameters={
            "type": "object",
            "properties": required | (optional or {}),
            "required": [key for key in required if key != "subject_id" or name == "ehr.load_ehr"],
            "additionalProperties": False,
        },
    )


EHR_TOOLS: tuple[ToolSpec, ...] = (
    _tool(
        "ehr.load_ehr",
        "Open the patient's record as it was known at the case's time. Call it first, with the patient and "
        "time of the case; it says which tables hold how many rows, and how rows are written.",
        {"subject_id": _SUBJECT, "timestamp": {"type": "string", "description": "The case's current time."}},
    ),
    _tool(
        "ehr.get_table_names",
        "List the tables of the record, the dictionaries and the candidate tables, with their row counts.",
        {"subject_id": _SUBJECT},
    ),
    _tool(
        "ehr.get_table_description",
        "Say what a table holds, what each column means, when its rows become known and which cells later.",
        {"table_name": _TABLE},
    ),
    _tool(
        "ehr.get_column_names",
        "List the columns of a table with their types.",
        {"subject_id": _SUBJECT, "table_name": _TABLE},
    ),
    _tool(
        "ehr.get_records_by_time",
        "Return the rows of a table that happened between two times, oldest first, with the labels of their "
        "codes.",
        {"subject_id": _SUBJECT, "table_name": _TABLE, "start_time": _TIME, "end_time": _TIME},
        _PAGE,
    ),
    _tool(
        "ehr.get_latest_records",
        "Return the newest rows of a table, newest first, with the labels of their codes.",
        {"subject_id": _SUBJECT, "table_name": _TABLE},
        _PAGE,
    ),
    _tool(
        "ehr.run_sql_query",
        "Run one SELECT (DuckDB SQL) over the tables of the record, the dictionaries and the candidate "
        "tables. Columns are typed; missing values are NULL; known_at says when a row reached the record; "
        "clock functions answer the case's current time.",
        {"subject_id": _SUBJECT, "sql_query": {"type": "string", "description": "One SELECT statement."}},
        _PAGE,
    ),
    _tool(
        "ehr.get_candidates_by_keyword",
        "Find names in a candidate table that hold every word of the keyword, in the name or its codes; "
        "`a|b` finds names with a and names with b.",
        {"table_name": _CANDIDATES, "keyword": _TEXT},
        {"limit": _NAMES, "offset": _OFFSET},
    ),
    _tool(
        "ehr.get_candidates_by_semantic_similarity",
        "Find the names in a candidate table that are nearest to each query by meaning.",
        {"table_name": _CANDIDATES, "query": _TEXTS},
        {"limit": _NAMES},
    ),
    _tool(
        "ehr.think",
        "Write down a thought; nothing is looked up.",
        {"response": _TEXT},
    ),
    _tool(
        "ehr.finish",
        "Give the final answer, one item a list entry. The run ends.",
        {"response": {"type": "array", "items": _TEXT}},
    ),
    _tool(
        "ehr.get_unique_values",
        "List the different values of a column in order, with the number of rows that hold each.",
        {"subject_id": _SUBJECT, "table_name": _TABLE, "column_name": _COLUMN},
        _PAGE,
    ),
    _tool(
        "ehr.get_event_counts_by_time",
        "Count the events of every table between two times, with the first and the last of them.",
        {"subject_id": _SUBJECT, "start_time": _TIME, "end_time": _TIME},
    ),
    _tool(
        "ehr.get_records_by_keyword",
        "Return the rows of a table that hold every word of the keyword in their texts or in the labels of "
        "their codes, newest first. Words are plain, never a pattern; `a|b` finds rows with a or b.",
        {"subject_id": _SUBJECT, "table_name": _TABLE, "keyword": _TEXT},
        _PAGE,
    ),
    _tool(
        "ehr.get_records_by_value",
        "Return the rows of a table that hold a value in a column, newest first: numbers and times are "
        "compared as such, texts without regard to case. An empty value finds rows without one.",
        {"subject_id": _SUBJECT, "table_name": _TABLE, "column_name": _COLUMN, "value": _TEXT},
        _PAGE,
    ),
    _tool(
        "ehr.get_candidates_by_fuzzy_matching",
        "Find the names in a candidate table that are nearest to each keyword by spelling.",
        {"table_name": _CANDIDATES, "keywords": _TEXTS},
        {"limit": _NAMES},
    ),
)
