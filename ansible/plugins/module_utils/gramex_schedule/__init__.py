"""Runs tasks by the clock: reads when they are due, and says when they ran and how that ended."""
