"""Checks what an operator wrote and turns it into the plan that all roles follow. Needs no Ansible."""
