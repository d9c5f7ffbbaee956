"""The paper's eleven EHR tools as a model sees them; names and arguments are the reference's."""

from __future__ import annotations

from typing import Any

from clinseek_core.tools.spec import ToolSpec

__all__ = ["EHR_TOOLS"]

_TEXT = {"type": "string"}
_SUBJECT = {"type": "string", "description": "The patient of this case; no other patient can be read."}
_TABLE = {"type": "string", "description": "A table that ehr.get_table_names lists."}
_CANDIDATES = {"type": "string", "description": "A candidate table that ehr.get_table_names lists."}
_TIME = {"type": "string", "description": "YYYY-MM-DD HH:MM:SS, or YYYY-MM-DD for the whole day."}
_LIMIT = {"type": "integer", "description": "Most rows to return.", "minimum": 1, "maximum": 1000}
_OFFSET = {"type": "integer", "description": "Rows to leave out at the start.", "minimum": 0}


def _tool(
    name: str, description: str, required: dict[str, Any], optional: dict[str, Any] | None = None
) -> ToolSpec:
    return ToolSpec(
        name=name,
        description=description,
        parameters={
            "type": "object",
            "properties": required | (optional or {}),
            "required": list(required),
            "additionalProperties": False,
        },
    )


EHR_TOOLS: tuple[ToolSpec, ...] = (
    _tool(
        "ehr.load_ehr",
        "Open the patient's record as it was known at the case's time. Call it first, with the patient and "
        "time of the case; it says which tables hold how many rows.",
        {"subject_id": _SUBJECT, "timestamp": {"type": "string", "description": "The case's current time."}},
    ),
    _tool(
        "ehr.get_table_names",
        "List the tables of the record, the dictionaries and the candidate tables, with their row counts.",
        {"subject_id": _SUBJECT},
    ),
    _tool(
        "ehr.get_table_description",
        "Say what a table holds, what each column means and when its rows become known.",
        {"table_name": _TABLE},
    ),
    _tool(
        "ehr.get_column_names",
        "List the columns of a table with their types.",
        {"subject_id": _SUBJECT, "table_name": _TABLE},
    ),
    _tool(
        "ehr.get_records_by_time",
        "Return the rows of a table that happened between two times, oldest first.",
        {"subject_id": _SUBJECT, "table_name": _TABLE, "start_time": _TIME, "end_time": _TIME},
        {"limit": _LIMIT, "offset": _OFFSET},
    ),
    _tool(
        "ehr.get_latest_records",
        "Return the newest rows of a table, newest first.",
        {"subject_id": _SUBJECT, "table_name": _TABLE},
        {"limit": _LIMIT, "offset": _OFFSET},
    ),
    _tool(
        "ehr.run_sql_query",
        "Run one SELECT (DuckDB SQL) over the tables of the record, the dictionaries and the candidate "
        "tables. Columns are typed; missing values are NULL; known_at says when a row reached the record; "
        "clock functions answer the case's current time.",
        {"subject_id": _SUBJECT, "sql_query": {"type": "string", "description": "One SELECT statement."}},
    ),
    _tool(
        "ehr.get_candidates_by_keyword",
        "Find names in a candidate table that contain every word of the keyword.",
        {"table_name": _CANDIDATES, "keyword": _TEXT},
        {"limit": _LIMIT},
    ),
    _tool(
        "ehr.get_candidates_by_semantic_similarity",
        "Find names in a candidate table that are near a query: by word stems and by runs of letters.",
        {
            "table_name": _CANDIDATES,
            "query": {"anyOf": [_TEXT, {"type": "array", "items": _TEXT}]},
        },
        {"limit": _LIMIT},
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
)
