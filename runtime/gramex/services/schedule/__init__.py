"""Runs functions at their times: ``schedule:``, and what else has a schedule."""

from gramex.services.schedule.runner import Schedule
from gramex.services.schedule.task import FIELDS, Task, read_schedule, read_timer

__all__ = ["FIELDS", "Schedule", "Task", "read_schedule", "read_timer"]
