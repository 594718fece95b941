"""The SQL of engines that are not run here: every expression compiles, and reads properties and stamps by the engine's own functions."""

from __future__ import annotations

import ibis
import pytest

from pytest_flexprice.model.meters import Aggregation, Meter
from pytest_flexprice.model.traffic_plan import Traffic
from pytest_flexprice.traffic.dialects import dialect
from pytest_flexprice.traffic.metering import Metering
from pytest_flexprice.traffic.stamps import seconds
from tests.traffic.logs import FILTERS, NAME, ODD_KEY, aggregation

COLUMNS = {
    "name": "string",
    "customer": "string",
    "id": "string",
    "second": "int64",
    "properties": "string",
    "seq": "int64",
}
LOG = ibis.table(COLUMNS, name="log")
RAW = ibis.table({"at": "timestamp", "properties": "string"}, name="raw")
METERS = {
    "filtered sum": Meter("m", "sum", NAME, aggregation("SUM", "n"), FILTERS[1]),
    "unique": Meter("m", "unique", NAME, aggregation("COUNT_UNIQUE", "n")),
    "expression": Meter("m", "expression", NAME, Aggregation("SUM", expression="ceil(n / 60) * max(n, kind)")),
    "groups": Meter("m", "groups", NAME, Aggregation("MAX", ODD_KEY, bucket_size="DAY", group_by="kind")),
}
COMPILED = ("databricks", "bigquery", "snowflake", "clickhouse")
"""DuckDB and PostgreSQL are run, and Spark compiles only with a session."""


def _sql(expression, engine):
    return " ".join(str(ibis.to_sql(expression, dialect=engine)).split())


@pytest.mark.parametrize("meter", METERS.values(), ids=METERS)
@pytest.mark.parametrize("engine", COMPILED)
def test_every_kind_of_meter_compiles(engine, meter):
    rows = Metering(meter, dialect(engine), {"n": {"[1]": "[1]"}}).rows(LOG)
    sql = _sql(rows.group_by("customer").agg(value=rows.quantity.sum(), ids=rows.id.nunique()), engine)
    assert "GROUP BY" in sql.upper()


READS = {
    "databricks": "TRY_VARIANT_GET(TRY_PARSE_JSON(`t0`.`properties`), '$[\\'n\\']', 'string')",
    "bigquery": "JSON_EXTRACT_SCALAR(SAFE.PARSE_JSON(`t0`.`properties`), '$.n')",
    "snowflake": 'AS_VARCHAR(GET(TRY_PARSE_JSON("t0"."properties"), \'n\'))',
    "clickhouse": 'JSONExtractString("t0"."properties", \'n\')',
}
ZONES = {
    "databricks": "TO_UTC_TIMESTAMP(CAST(`t0`.`at` AS TIMESTAMP), 'Europe/Berlin')",
    "bigquery": "TIMESTAMP(`t0`.`at`, 'Europe/Berlin')",
    "snowflake": "CONVERT_TIMEZONE('Europe/Berlin', 'UTC', \"t0\".\"at\")",
    "clickhouse": 'toDateTime64(toString("t0"."at"), 3, \'Europe/Berlin\')',
}


@pytest.mark.parametrize("engine", COMPILED)
def test_a_property_is_read_by_the_engines_own_function(engine):
    sql = _sql(RAW.select(text=dialect(engine).text(RAW.properties, "n")), engine)
    assert READS[engine].lower() in sql.lower()


@pytest.mark.parametrize("engine", COMPILED)
def test_a_stamp_without_zone_is_read_in_the_plans_zone(engine):
    zone = Traffic(source="log.csv", timezone="Europe/Berlin").timezone
    sql = _sql(RAW.select(at=dialect(engine).zoned(RAW.at, zone)), engine)
    assert ZONES[engine].lower() in sql.lower()


@pytest.mark.parametrize("zone", ["", "Europe/Berlin"])
@pytest.mark.parametrize("engine", COMPILED)
def test_every_way_to_write_a_time_compiles(engine, zone):
    raw = ibis.table(
        {"text": "string", "number": "int64", "exact": "decimal(20, 3)", "at": "timestamp('UTC')"}, name="raw"
    )
    for column in (raw.text, raw.number, raw.exact, raw["at"]):
        sql = _sql(raw.select(second=seconds(column, zone, "time", dialect(engine))), engine)
        assert "SELECT" in sql.upper()
        assert sql.count("Europe/Berlin") == (1 if zone and column.get_name() == "text" else 0)
