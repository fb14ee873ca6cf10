"""Checks beyond a host's own state: its network, its names, its certificates. Half of it runs on the host."""
