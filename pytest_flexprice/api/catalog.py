"""Reading a whole catalog in as few requests as the API allows (contract 2.1 to 2.6, recording catalog_listing)."""

from __future__ import annotations

import dataclasses
from datetime import datetime

from pytest_flexprice.api.client import Flexprice
from pytest_flexprice.api.errors import ApiError
from pytest_flexprice.oracle.catalog import rows as catalog_rows
from pytest_flexprice.oracle.catalog.objects import Catalog, Extras


def read_catalog(flexprice: Flexprice, now: datetime) -> Catalog:
    """Features with meters, plans with prices, entitlements and credit grants: four requests for each 1,000 of a kind.

    What is archived is read on purpose, as it explains what is missing: features and meters come with the others, plans only when
    they are asked for.
    """
    return catalog_rows.catalog(
        features=flexprice.search("/v1/features/search", {"expand": "meters"}),
        plans=flexprice.search("/v1/plans/search", {"expand": "prices,meters,entitlements,features,credit_grant"}),
        meters=flexprice.list("/v1/meters"),
        now=now,
        retired=flexprice.search("/v1/plans/search", {"status": "archived"}),
    )


def read_extras(flexprice: Flexprice, present: Catalog) -> Extras:
    """What a clone of an environment leaves behind, ``present`` being the catalog of the same environment: five requests."""
    return catalog_rows.extras(
        {
            "addons": flexprice.list("/v1/addons", expand="prices,entitlements"),
            "coupons": flexprice.list("/v1/coupons"),
            "tax_rates": flexprice.list("/v1/taxes/rates"),
            "price_units": flexprice.list("/v1/prices/units"),
        },
        (flexprice.get("/v1/settings/invoice_config") or {}).get("value"),
        present,
    )


def taxes_are_attached(flexprice: Flexprice) -> bool:
    """Whether any tax rate is attached to anybody, or nobody can tell because the key may not read it."""
    try:
        return next(iter(flexprice.list("/v1/taxes/associations")), None) is not None
    except ApiError:
        return True


def read_everything(flexprice: Flexprice, now: datetime) -> Catalog:
    """The catalog with its extras."""
    present = read_catalog(flexprice, now)
    return dataclasses.replace(present, extras=read_extras(flexprice, present))
