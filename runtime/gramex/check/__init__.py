"""Judges an app without running it."""
