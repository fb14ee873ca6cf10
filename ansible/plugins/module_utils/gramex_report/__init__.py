"""Turns results into text that people read: tables of what runs, and why something failed. Needs no Ansible."""
