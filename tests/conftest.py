"""What every test can use: the vectors' folder, and where a missing one is a failure."""

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from nats_server import PrivateNats
    from postgres import PrivatePostgres

VECTORS = Path(__file__).resolve().parent.parent.parent / "shared" / "vectors"

settings.register_profile("default", deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thorough", deadline=None, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


class Vectors:
    """Reads official vector files; skips with a reason where they are absent, except on CI."""

    def load(self, name: str) -> Any:
        """Parse one JSON file (plain or gzipped) below the vectors' folder."""
        path = VECTORS / name
        if not path.exists():
            message = f"vector file {name} is not beside the checkout (../shared/vectors)"
            if os.environ.get("CI"):
                pytest.fail(message)
            pytest.skip(message)
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        return json.loads(data)


@pytest.fixture(scope="session")
def vectors() -> Vectors:
    """Access to the official vectors: ``vectors.load("mls/tree-math.json")``."""
    return Vectors()


@pytest.fixture(scope="session")
def postgres() -> "Iterator[PrivatePostgres]":
    """One PostgreSQL for all tests of this worker: ``postgres.database()`` is the URL of a new database."""
    from postgres import private_postgres

    with private_postgres() as instance:
        yield instance


@pytest.fixture(scope="session")
def nats() -> "Iterator[PrivateNats]":
    """One NATS for all tests of this worker; who stops it uses one of his own."""
    from nats_server import private_nats

    with private_nats() as instance:
        yield instance
