"""Quantities as the API server writes them."""

from __future__ import annotations

import pytest

from k8snet_provision.resources.quantity import canonical

QUANTITIES: tuple[tuple[str | int | float, str], ...] = (
    ("0.1", "100m"), ("1.5", "1500m"), ("1", "1"), (2, "2"), (0.5, "500m"), ("1000m", "1"), ("2000", "2k"),
    ("1.5Gi", "1536Mi"), ("1024Mi", "1Gi"), ("131072Ki", "128Mi"), ("170Mi", "170Mi"), ("128M", "128M"),
    ("0.5Ki", "512"), ("1e3", "1e3"), ("1500e-3", "1500e-3"), ("0", "0"), ("0Mi", "0"), ("0.0001", "1m"),
    (".5", "500m"), ("1.", "1."), ("1.500", "1.500"), ("100.0", "100"), ("1025Ki", "1025Ki"),
    ("007", "007"), ("100u", "1m"), ("1048576", "1048576"), ("1E", "1E"),
)  # fmt: skip


@pytest.mark.parametrize(("written", "kept"), QUANTITIES)
def test_a_quantity_is_written_as_the_server_writes_it(written: str | int | float, kept: str) -> None:
    """tests/hosts/test_foreseen.py has a real server write the same."""
    assert canonical(written) == kept


def test_what_is_no_quantity_stays() -> None:
    assert canonical("nonsense") == "nonsense"
