"""The calls the seeker makes, each with the arguments its tool wants."""

from __future__ import annotations

from datetime import datetime

import msgspec

from clinseek_core.seeker.reading import shown
from clinseek_core.seeker.script import FINISH, Ask

__all__ = ["Desk", "finish"]


class Desk(msgspec.Struct, frozen=True):
    """Makes the calls about one patient."""

    subject_id: str

    def load(self, now: datetime) -> Ask:
        """Open the record."""
        return Ask("ehr.load_ehr", {"subject_id": self.subject_id, "timestamp": shown(now)})

    def table_names(self) -> Ask:
        """List the tables."""
        return Ask("ehr.get_table_names", {"subject_id": self.subject_id})

    def describe(self, table: str) -> Ask:
        """Say what a table's columns mean."""
        return Ask("ehr.get_table_description", {"table_name": table})

    def columns(self, table: str) -> Ask:
        """List a table's columns."""
        return Ask("ehr.get_column_names", {"subject_id": self.subject_id, "table_name": table})

    def latest(self, table: str, limit: int) -> Ask:
        """The newest rows of a table."""
        arguments = {"subject_id": self.subject_id, "table_name": table, "limit": limit}
        return Ask("ehr.get_latest_records", arguments)

    def between(self, table: str, start: datetime, end: datetime) -> Ask:
        """The rows of a table that happened between two times."""
        return Ask(
            "ehr.get_records_by_time",
            {
                "subject_id": self.subject_id,
                "table_name": table,
                "start_time": shown(start),
                "end_time": shown(end),
            },
        )

    def sql(self, query: str) -> Ask:
        """Run one SELECT."""
        return Ask("ehr.run_sql_query", {"subject_id": self.subject_id, "sql_query": query})

    def candidates(self, table: str, keyword: str, limit: int) -> Ask:
        """Names of a candidate table that contain every word of `keyword`."""
        arguments = {"table_name": table, "keyword": keyword, "limit": limit}
        return Ask("ehr.get_candidates_by_keyword", arguments)


def finish(answer: tuple[str, ...]) -> Ask:
    """Give the answer."""
    return Ask(FINISH, {"response": list(answer)})
