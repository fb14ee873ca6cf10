"""Puts nginx sites into service on a host and takes them away again. Standard library only, but for render."""
