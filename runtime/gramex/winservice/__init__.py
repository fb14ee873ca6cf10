"""Runs apps as Windows services. `GramexService` is what `gramex service` runs, and the base of own services."""

from gramex.winservice.service import GramexService

__all__ = ["GramexService"]
