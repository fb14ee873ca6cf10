"""The archive that installs apps on a host without a network: its format, and how it is checked."""
