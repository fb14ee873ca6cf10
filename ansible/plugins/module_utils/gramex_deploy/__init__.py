"""Brings a host to the wanted state. Runs on the host, with the standard library alone."""
