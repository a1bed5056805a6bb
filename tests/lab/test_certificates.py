"""The certificates, judged by openssl; when they are made and when they are kept."""

from __future__ import annotations

import stat
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from k8snet_provision.lab import assets, certificates, settings, supplies
from k8snet_provision.lab.clone import clone
from k8snet_provision.lab.settings import Lab

INVENTORY = assets.directory().parent / "inventory" / "lab"


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return clone(INVENTORY, tmp_path / "inventory", "t", "10.140.9.0/24")


@pytest.fixture
def tls(lab: Lab) -> Path:
    supplies.renew_certificates(lab)
    return lab.inventory / ".lab" / "tls"


def _openssl(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["openssl", *arguments], capture_output=True, text=True, timeout=20, check=False)


@pytest.mark.parametrize(("name", "host"), [("app", "app.lab.test"), ("shop", "shop.lab.test")])
def test_a_client_that_trusts_the_authority_accepts_the_certificate_for_its_host_alone(
    tls: Path, name: str, host: str
) -> None:
    verify = ("verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", tls / "ca.crt", "-verify_hostname")
    assert _openssl(*verify, host, tls / f"{name}.crt").returncode == 0
    assert "hostname mismatch" in _openssl(*verify, "other.lab.test", tls / f"{name}.crt").stderr


def test_each_key_is_its_certificates_and_readable_by_the_owner_alone(tls: Path) -> None:
    for name in ("app", "shop"):
        public = _openssl("x509", "-in", tls / f"{name}.crt", "-noout", "-pubkey").stdout
        assert public == _openssl("pkey", "-in", tls / f"{name}.key", "-pubout").stdout
        assert stat.S_IMODE((tls / f"{name}.key").stat().st_mode) == 0o600


def test_a_certificate_lasts_a_year(tls: Path) -> None:
    day = 24 * 3600
    for name in ("ca", "app"):
        assert _openssl("x509", "-in", tls / f"{name}.crt", "-noout", "-checkend", str(364 * day)).returncode == 0
        assert _openssl("x509", "-in", tls / f"{name}.crt", "-noout", "-checkend", str(366 * day)).returncode == 1


def test_they_are_kept_while_they_last(lab: Lab, tls: Path) -> None:
    before = {path.name: path.read_bytes() for path in tls.iterdir()}
    supplies.renew_certificates(lab)
    assert {path.name: path.read_bytes() for path in tls.iterdir()} == before
    assert set(before) == {"ca.crt", "app.crt", "app.key", "shop.crt", "shop.key"}


@pytest.mark.parametrize(("left", "renewed"), [(timedelta(days=31), False), (timedelta(days=29), True)])
def test_they_are_renewed_a_month_before_their_end(tmp_path: Path, left: timedelta, renewed: bool) -> None:
    now = datetime.now(UTC)
    for name, content in certificates.make("t", now).items():
        (tmp_path / name).write_bytes(content)
    assert certificates.expiring(tmp_path, now + certificates.VALID - left) == renewed


@pytest.mark.parametrize("broken", ["ca.crt", "shop.crt", "app.key"])
def test_a_missing_or_broken_file_renews_all(lab: Lab, tls: Path, broken: str) -> None:
    before = (tls / "ca.crt").read_bytes()
    (tls / broken).unlink()
    if broken.endswith(".crt"):
        (tls / broken).write_text("not PEM\n")
    supplies.renew_certificates(lab)
    assert (tls / "ca.crt").read_bytes() != before
    assert not certificates.expiring(tls, datetime.now(UTC))


def test_a_clone_has_no_keys_of_the_lab_it_was_copied_from(lab: Lab, tls: Path, tmp_path: Path) -> None:
    copy = clone(lab.inventory, tmp_path / "copy", "u", "10.140.10.0/24")
    assert not (copy.inventory / ".lab").exists()


def test_the_manifest_is_put_in_place_of_an_older_one_and_all_goes_with_the_lab(lab: Lab, tmp_path: Path) -> None:
    for text in ("old", "new"):
        (tmp_path / "manifest").write_text(text)
        supplies.put_manifest(lab, tmp_path / "manifest")
    assert (lab.inventory / ".lab" / "metallb-native.yaml").read_text() == "new"
    supplies.forget(lab)
    assert not (lab.inventory / ".lab").exists()
    assert settings.read(lab.inventory).name == "t"
