"""The paper's tasks as data; `building` makes cases with gold for them from any store of MIMIC-IV."""

from clinseek_core.tasks.agentehr import AGENTEHR
from clinseek_core.tasks.decision import DECISIONS
from clinseek_core.tasks.multimodal import MULTIMODAL
from clinseek_core.tasks.risk import RISKS
from clinseek_core.tasks.task import Group, Kind, Need, Task

__all__ = ["TASKS", "Group", "Kind", "Need", "Task"]

TASKS: dict[str, Task] = {task.name: task for task in (*RISKS, *DECISIONS, *MULTIMODAL, *AGENTEHR)}
"""All tasks by name: 18 risk and 27 decision tasks, six multimodal groups, AgentEHR's five."""
