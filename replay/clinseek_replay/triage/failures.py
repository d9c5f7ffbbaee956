"""Why a call failed, told from its result's text: the reference's wording and ours, as a table.

Only results that are not `ok` are looked at, and only their beginning. Signs are listed in the order they
are tried. What matches none is `other`.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

__all__ = ["FailureKind", "SqlFault", "failure_of"]

FailureKind = Literal[
    "state", "subject", "cutoff", "tool", "arguments", "table", "sql", "infra", "limit", "other"
]
"""`state`: the session lost the record · `subject`, `cutoff`: refused by the run's policy · `tool`: no such
tool · `arguments`: they don't fit the schema · `table`: no such table or column, or not for this tool ·
`sql`: the statement · `infra`: transport and servers · `limit`: time or memory."""

SqlFault = Literal["name", "syntax", "type", "other"]

_HEAD = 3_000


class _Sign(NamedTuple):
    kind: FailureKind
    pattern: str
    fault: SqlFault | None = None
    sql_only: bool = False


_SIGNS: tuple[_Sign, ...] = (
    _Sign("state", r"Please call load_ehr first|No tables found for subject_id"),
    _Sign("state", r"No tables are currently loaded"),
    _Sign("subject", r"\AError: this run reads patient "),
    _Sign("cutoff", r"\AError: this run sees the record as of "),
    _Sign("limit", r"stopped at its limit of (time|memory)"),
    _Sign("tool", r"\AError: there is no tool |Unknown tool|Unknown (browser|image|ehr) tool|Tool not found"),
    _Sign("tool", r"MCP Error -32601\b"),
    # SQL first among the rest: its message quotes the statement, which may hold any word.
    _Sign("sql", r"no such (column|table|function)|does not seem to reference any available", "name", True),
    _Sign("sql", r"there is no (column|table|type)|Referenced (column|table)|ambiguous", "name", True),
    _Sign("sql", r"does not exist|has no column", "name", True),
    _Sign("sql", r"syntax error|unrecognized token|incomplete input|Parser Error|near \"", "syntax", True),
    _Sign(
        "sql",
        r"is no [A-Za-z]+(;|\b)|does not (take|go with)|Could not convert|datatype mismatch",
        "type",
        True,
    ),
    _Sign("sql", r"Conversion Error|Binder Error|wrong number of arguments|misuse of", "type", True),
    _Sign(
        "arguments",
        r"\AError: (ehr|browser|image)\.\w+: (missing|unknown|\w+ has the wrong type|response is)",
    ),
    _Sign("arguments", r"`response` must be a list|argument `response` is missing"),
    _Sign("arguments", r"\AError: the arguments of \S+ are"),
    _Sign("arguments", r"validation error|Field required|Input should be|MCP Error -32602\b"),
    _Sign("arguments", r"[Mm]issing (required argument|\d+ required positional)|is a required property"),
    _Sign("arguments", r"[Uu]nexpected keyword|Invalid arguments for function|is not of type"),
    _Sign("arguments", r"\AError: \w+ is (not a (time|whole number)|empty;|a number with)"),
    _Sign("infra", r"\A(HTTP Error (5\d\d|429|408)|No data in SSE response|Invalid MCP response)"),
    _Sign("infra", r"\AMCP Error -32(700|600|603|0\d\d)\b"),
    _Sign(
        "infra", r"[Cc]onnection (refused|reset|aborted|closed|error|timed out)|[Cc]onnection attempts failed"
    ),
    _Sign("infra", r"(Connect|Read|Write|Pool)(Timeout|Error)|ClientConnectorError|RemoteProtocolError"),
    _Sign("infra", r"[Tt]imed out|[Tt]imeout (error|exceeded|after)|Max retries exceeded"),
    _Sign("infra", r"Name or service not known|Temporary failure in name resolution|Server disconnected"),
    _Sign("infra", r"Bad Gateway|Service Unavailable|Gateway Time-?out|Internal Server Error"),
    _Sign("infra", r"\AError calling MCP tool\b"),
    _Sign(
        "table",
        r"Table '[^'\n]{0,200}' not found|\AError: there is no table|cannot be used to search the Cand",
    ),
    _Sign("table", r"Column '[^'\n]{0,200}' not found in table|\AError: \w+ has no column"),
    _Sign("table", r"No timestamp column found"),
    _Sign("sql", r"\ASQL Execution Error|\AError: ", "other", True),
)

_COMPILED = tuple((sign, re.compile(sign.pattern)) for sign in _SIGNS)
_SQL_TOOL = "ehr.run_sql_query"


def failure_of(tool: str, text: str) -> tuple[FailureKind, SqlFault | None, str]:
    """The kind of a failure, what was wrong with the SQL where that is it, and the words that told."""
    head = text.strip()[:_HEAD]
    is_sql = tool == _SQL_TOOL
    for sign, pattern in _COMPILED:
        if sign.sql_only and not is_sql:
            continue
        found = pattern.search(head)
        if found:
            return sign.kind, sign.fault, found[0]
    return "other", None, ""
