"""Opens ports in the firewall that a host has, and closes them again. Only rules of ours are added and removed."""
