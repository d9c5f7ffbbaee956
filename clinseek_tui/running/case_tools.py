"""The tools of a planned run, opened: the record, pages, films and a foreign server's, as one toolbox."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import ExitStack

from clinseek_core.ehr.session import EhrSession
from clinseek_core.errors import InputError
from clinseek_core.journal import DataInfo, JournalWriter, ModelInfo
from clinseek_core.tools import NoTools, Together, Toolbox, tools_info
from clinseek_tui.running.images import OpenImages, open_images
from clinseek_tui.running.plan import Plan
from clinseek_tui.running.web import OpenWeb, open_web

__all__ = ["CaseTools"]


class CaseTools:
    """What a plan needs, opened; `close` it. Opening raises InputError for data that is not there.

    A run that is given curated events has no tools, and its record is not opened.
    """

    def __init__(self, plan: Plan, tell: Callable[[str], None]) -> None:
        """`tell` gets what is being read."""
        self._plan = plan
        self._open = ExitStack()
        try:
            self._session = None if plan.curated else self._opened_record(tell)
            self._web = open_web(plan.web, plan.case, self._session) if self._session is not None else None
            self._images = self._opened_images()
            self.toolbox: Toolbox = self._put_together()
        except BaseException:
            self.close()
            raise

    @property
    def notices(self) -> tuple[str, ...]:
        """What was noticed in the data, such as columns left out, and who looks at films."""
        films = () if self._images is None else (self._images.says,)
        return (*(() if self._session is None else self._session.notices), *films)

    @property
    def data(self) -> DataInfo:
        """Where the record comes from, and the digest of what the run can see of it."""
        curated = hashlib.sha256(self._plan.curated.encode()).hexdigest()
        digest = curated if self._session is None else self._session.digest
        return DataInfo(source=self._plan.source, digest=digest)

    def open_journal(self) -> JournalWriter:
        """The journal of the plan, begun or gone on with; InputError where it was made on other data."""
        plan = self._plan
        if plan.resumes is None:
            return self.create_journal(plan.model.info)
        if plan.resumes.data.digest != self.data.digest:
            raise InputError(
                f"{plan.out}: was made on other data than {plan.source} holds now (the snapshots "
                "differ); name the data it was made on by --ehr PATH"
            )
        return JournalWriter.resume(plan.out)

    def create_journal(self, model: ModelInfo) -> JournalWriter:
        """Start the plan's journal, for `model`; InputError where the file is there already."""
        plan = self._plan
        plan.out.parent.mkdir(parents=True, exist_ok=True)
        return JournalWriter.create(
            plan.out,
            case=plan.case,
            policy=plan.policy,
            model=model,
            limits=plan.limits,
            tools=tools_info(self.toolbox.specs),
            data=self.data,
            web=self._web.info if self._web is not None else None,
            images=self._images.info if self._images is not None else None,
            mcp=plan.mcp.info if plan.mcp is not None else None,
            text_answers=plan.text_answers,
        )

    def close(self) -> None:
        """End the processes and connections behind the tools."""
        self._open.close()

    def _opened_record(self, tell: Callable[[str], None]) -> EhrSession:
        case = self._plan.case
        return self._open.enter_context(
            EhrSession(self._plan.ehr_root, case.subject_id, case.prediction_time, self._plan.policy, tell)
        )

    def _opened_images(self) -> OpenImages | None:
        plan = self._plan
        if plan.images is None or plan.curated:
            return None
        opened = open_images(plan.images, plan.case, plan.policy, plan.case_folder)
        if opened is not None:
            self._open.callback(opened.close)
        return opened

    def _put_together(self) -> Toolbox:
        if self._session is None:
            return NoTools()
        toolboxes: list[Toolbox] = [self._session]
        web: OpenWeb | None = self._web
        if web is not None:
            self._open.callback(web.tools.close)
            toolboxes.append(web.tools)
        if self._images is not None:
            toolboxes.append(self._images.tools)
        if self._plan.mcp is not None:
            foreign = self._plan.mcp.open()
            self._open.callback(foreign.close)
            toolboxes.append(foreign)
        return Together(*toolboxes) if len(toolboxes) > 1 else self._session
