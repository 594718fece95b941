"""Every fault that the emulator can show: a mistake of a company, or of Flexprice, by its name.

Importing this module registers the rules; :data:`FAULTS` holds them all.
"""

from __future__ import annotations

from . import access as fault_access
from . import agreed as fault_agreed
from . import agreements as fault_agreements
from . import billing as fault_billing
from . import calculation as fault_calculation
from . import catalog as fault_catalog
from . import counting as fault_counting
from . import customers as fault_customers
from . import deals as fault_deals
from . import events as fault_events
from . import invoicing as fault_invoicing
from . import misadding as fault_misadding
from . import misreading as fault_misreading
from . import mistaking as fault_mistaking
from . import settlement as fault_settlement
from . import tariffs as fault_tariffs
from . import webhooks as fault_webhooks
from .registry import FAULTS, Fault, after, before, declare, fault, front

RULES = (
    fault_access,
    fault_agreed,
    fault_agreements,
    fault_billing,
    fault_calculation,
    fault_catalog,
    fault_counting,
    fault_customers,
    fault_deals,
    fault_events,
    fault_invoicing,
    fault_misadding,
    fault_misreading,
    fault_mistaking,
    fault_settlement,
    fault_tariffs,
    fault_webhooks,
)
"""The modules with the rules."""

__all__ = ["FAULTS", "RULES", "Fault", "after", "before", "declare", "fault", "front"]
