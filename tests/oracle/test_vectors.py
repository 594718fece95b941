"""Every recorded billing vector, reproduced by the oracle alone."""

import pytest

from .vectors import VECTORS, Case, differences


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["id"] for vector in VECTORS])
def test_oracle_reproduces_vector(vector):
    case, results = Case(vector), vector["results"]
    assert differences(results.get("lookup", {}), case.lookup(), "lookup") == []
    assert differences(results["usage"], case.usage(), "usage") == []
    assert differences(results["preview"], case.preview(), "preview") == []
    if "invoice" in results:
        assert differences(results["invoice"], case.invoice(), "invoice") == []


def test_there_are_all_vectors():
    assert len(VECTORS) == 153
    assert len({vector["id"] for vector in VECTORS}) == 153
