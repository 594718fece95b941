"""The only code that talks HTTP to Flexprice: client, retries, pages, the write guard, recorded exchanges."""

from pytest_flexprice.api.client import Flexprice
from pytest_flexprice.api.errors import ApiError, WriteRefused
from pytest_flexprice.api.guard import WriteGuard
from pytest_flexprice.api.paths import path_of
from pytest_flexprice.api.transport import Answer, Transport

__all__ = ["Answer", "ApiError", "Flexprice", "Transport", "WriteGuard", "WriteRefused", "path_of"]
