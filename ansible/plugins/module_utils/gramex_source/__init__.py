"""Turns what is on the controller into what a host is to have. Needs neither Ansible nor a host."""
