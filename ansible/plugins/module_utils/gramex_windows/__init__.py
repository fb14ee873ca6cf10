"""Runs apps as Windows services: `controller` prepares what a host is to have, `host` brings it about there."""
