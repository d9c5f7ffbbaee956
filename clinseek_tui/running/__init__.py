"""From options to a run that works: what is asked for, and the thread that does it."""

from clinseek_tui.running.live_run import LiveRun
from clinseek_tui.running.plan import Options, Plan, plan_case, plan_new, plan_resumed
from clinseek_tui.running.web import WebMode
from clinseek_tui.running.work import Work

__all__ = ["LiveRun", "Options", "Plan", "WebMode", "Work", "plan_case", "plan_new", "plan_resumed"]
