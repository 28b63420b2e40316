"""Guards and facts of one's own: modules that the setting FUND_GUARDS names, imported before a workflow is read."""

import logging
from importlib import import_module

from fund.base.errors import Misconfigured
from fund.base.settings import Settings
from workflows.guards import REGISTRY

log = logging.getLogger(__name__)


def load(settings: Settings) -> None:
    """Import the modules of the settings, which register guards and facts; once in a process, however often asked.

    Raises Misconfigured, in one line, for a module that cannot be imported or registers a name that is taken.
    """
    for name in settings.guard_modules:
        before = set(REGISTRY)
        try:
            import_module(name)
        except Exception as error:
            why = " ".join(f"{type(error).__name__}: {error}".split())
            raise Misconfigured(f"FUND_GUARDS: the module {name} cannot be imported ({why})") from error
        if new := sorted(REGISTRY.keys() - before):
            log.info("guards of your own, from %s: %s", name, ", ".join(new))
