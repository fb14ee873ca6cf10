"""Prepares what a Windows host is to have: environments, releases, and the program that works there."""
