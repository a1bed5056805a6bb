"""The look as a program of a host: it answers as what is sent does, takes nothing else; another one is not believed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from k8snet_provision import assets, drifting, session
from k8snet_provision.drift import installed_look, permissions, who
from k8snet_provision.drift.installed_fleet import InstalledFleet
from k8snet_provision.drift.installed_look import BOUNDARY, InstalledLook
from k8snet_provision.engine.fleet import Fleet, Output, Script, Unreachable
from k8snet_provision.observe import compose, decode, new_boundary
from k8snet_provision.resources import file, sysctl
from k8snet_provision.resources.probe import Probe
from k8snet_provision.session import Opened, Request
from tests.engine.sshd import Sshd

PROBES = [
    Probe("says", "printf 'a\\nb'; exit 0"),
    file.probe("/etc/passwd"),
    file.probe("/etc/there is 'no' such"),
    Probe("absent", "exit 4"),
    Probe("fails", "echo why; exit 1"),
    sysctl.probe("kernel.ostype"),
]


def made(*scripts: str, cluster: str = "prod") -> InstalledLook:
    return InstalledLook(cluster, "h1", {installed_look.name(text): text for text in scripts})


def told(program: Path, *said: str, arguments: tuple[str, ...] = ()) -> subprocess.CompletedProcess[bytes]:
    data = "".join(f"{line}\n" for line in said).encode()
    return subprocess.run([program, *arguments], input=data, capture_output=True, timeout=20, check=False)


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "look"
    path.write_text(made(compose(PROBES, BOUNDARY)).text)
    path.chmod(0o700)
    return path


def test_it_answers_as_a_script_that_is_sent_does(program: Path) -> None:
    look, boundary = made(compose(PROBES, BOUNDARY)), new_boundary()
    sent = compose(PROBES, boundary)
    part = look.part(sent, boundary)
    assert part is not None
    mark, digest, answer = told(program, boundary, part).stdout.split(b"\n", 2)
    assert (mark.decode(), digest.decode().split()[0]) == (boundary, look.sha256)
    expected = subprocess.run(["sh"], input=sent.encode(), capture_output=True, timeout=20, check=True).stdout
    assert decode("h1", PROBES, boundary, answer) == decode("h1", PROBES, boundary, expected)


@pytest.mark.parametrize(
    "said",
    [
        (),
        ("a" * 32,),
        ("", "x"),
        ("a" * 31, "x"),
        ("a" * 33, "x"),
        ("$(touch /tmp/x)" + "a" * 17, "x"),
        ("A" * 32, "x"),
    ],
)
def test_what_is_no_boundary_is_refused_before_anything_is_printed(program: Path, said: tuple[str, ...]) -> None:
    ran = told(program, *said)
    assert (ran.returncode, ran.stdout) == (64, b"")


@pytest.mark.parametrize("part", ["", "x", "*", "part", "id) id ;; x", "$(id)", "../look", "-h"])
def test_a_part_that_it_does_not_have_is_refused(program: Path, part: str) -> None:
    ran = told(program, "a" * 32, part)
    assert ran.returncode == 64
    assert len(ran.stdout.splitlines()) == 2  # the boundary and the digest


def test_it_takes_no_argument(program: Path) -> None:
    assert told(program, "a" * 32, "x", arguments=("--",)).returncode == 64


def test_it_tells_traces_of_files_that_configuration_lies_below_and_of_no_other(tmp_path: Path) -> None:
    path = tmp_path / "look"
    look = made(who.SCRIPT)
    path.write_text(look.text)
    path.chmod(0o700)
    paths = ["/etc/passwd", "/root/.bashrc", "/etc/../root/.bashrc", "/etc/there is none", "relative", "/etc/..", "-"]
    said = told(path, "a" * 32, installed_look.name(who.SCRIPT), *paths).stdout.split(b"\n", 2)[2]
    answers = [line.split()[0] for line in said.decode().splitlines()]
    assert answers == ["changed", "-", "-", "removed", "-", "-", "-"]


def opened(tmp_path: Path, **asked: object) -> Opened:
    folder = tmp_path / "prod"
    (folder / "group_vars").mkdir(parents=True, exist_ok=True)
    (folder / "hosts.yml").write_text(
        "kube_control_plane: {hosts: {cp1: {ansible_host: 192.0.2.1}}}\netcd: {children: {kube_control_plane: }}\n"
        "kube_node: {hosts: {node1: {ansible_host: 192.0.2.2, ansible_become: true, ansible_user: me}}}\n"
    )
    (folder / "group_vars" / "all.yml").write_text(
        "topology: {service_cidr: 10.254.0.0/16, pod_cidr: 10.244.0.0/16, kube_proxy: {mode: nftables}, dns: {}}\n"
    )
    return session.opened(Request(folder, **asked))  # type: ignore[arg-type]


def test_it_is_the_same_each_time_and_holds_every_boundary_in_a_variable(tmp_path: Path) -> None:
    """What is new each time stands within single quotes alone, or the text could not be the same."""
    read = opened(tmp_path, installed_look=True)
    site = drifting.site(read.site)
    for host in ("cp1", "node1"):
        look = installed_look.of_host(site, read.cluster, host)
        assert look.sha256 == installed_look.of_host(site, read.cluster, host).sha256
        assert BOUNDARY not in look.text
        path = tmp_path / host
        path.write_text(look.text)
        subprocess.run(["sh", "-n", path], check=True, timeout=20)


def test_who_reads_the_cluster_is_part_of_it(tmp_path: Path) -> None:
    by_default = opened(tmp_path, installed_look=True)
    given = opened(tmp_path, installed_look=True, kubeconfig="/etc/other")
    looks = [installed_look.of_host(drifting.site(it.site), it.cluster, "cp1") for it in (by_default, given)]
    assert "/etc/k8snet-provision/drift.kubeconfig" in looks[0].text and "/etc/other" not in looks[0].text
    assert "/etc/other" in looks[1].text and looks[0].sha256 != looks[1].sha256


def test_nobody_becomes_anybody_where_the_look_is_installed(tmp_path: Path) -> None:
    assert opened(tmp_path).connections["node1"].become
    assert not opened(tmp_path, installed_look=True).connections["node1"].become


def test_sudoers_are_such_and_the_role_only_reads(tmp_path: Path) -> None:
    read = opened(tmp_path, installed_look=True)
    written = permissions.of(drifting.site(read.site), read.cluster, "inventory/prod", "out").files
    (tmp_path / "sudoers").write_text(written["sudoers"])
    subprocess.run(["visudo", "-cf", tmp_path / "sudoers"], check=True, capture_output=True, timeout=20)
    assert {"cp1/look-prod", "node1/look-prod", "sudoers", "rbac.yaml", "kubeconfig.sh"} == set(written)
    from ruamel.yaml import YAML

    rules = [rule for it in YAML(typ="safe").load_all(written["rbac.yaml"]) for rule in it.get("rules", ())]
    assert rules and {verb for rule in rules for verb in rule["verbs"]} <= {"get", "list"}
    assert "*" not in {name for rule in rules for name in (*rule.get("resources", ()), *rule.get("apiGroups", ()))}


@pytest.fixture
def host(sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sshd:
    """A host on which programs are installed below the test's own directory."""
    monkeypatch.setattr(installed_look, "DIRECTORY", str(tmp_path))
    return sshd


def ask(host: Sshd, look: InstalledLook, script: Script) -> Output | Unreachable:
    with Fleet({"h1": host.connection()}) as fleet:
        return InstalledFleet(fleet, {"h1": look}).run({"h1": script})["h1"]


def install(look: InstalledLook, text: str = "") -> None:
    path = Path(look.path)
    path.write_text(text or look.text)
    path.chmod(0o700)


def test_a_host_is_asked_by_its_program(host: Sshd) -> None:
    boundary = new_boundary()
    look = made(compose(PROBES, BOUNDARY), "echo plain")
    install(look)
    answer = ask(host, look, Script(compose(PROBES, boundary), boundary=boundary))
    assert isinstance(answer, Output)
    assert decode("h1", PROBES, boundary, answer.stdout).text("says") == "a\nb"
    plain = ask(host, look, Script("echo plain"))
    assert isinstance(plain, Output) and plain.stdout == b"plain\n"


def test_a_program_that_is_another_one_is_not_believed(host: Sshd) -> None:
    look = made("echo plain")
    install(look, look.text.replace("echo plain", "echo forged"))
    answer = ask(host, look, Script("echo plain"))
    assert isinstance(answer, Unreachable)
    assert "is not what this drift would ask" in answer.reason and "drift permissions" in answer.hint


def test_an_elder_program_that_lacks_the_part_is_told_as_such(host: Sshd) -> None:
    install(made("echo old"))
    answer = ask(host, made("echo new"), Script("echo new"))
    assert isinstance(answer, Unreachable) and "is not what this drift would ask" in answer.reason


def test_what_no_look_holds_is_never_run(host: Sshd, tmp_path: Path) -> None:
    look = made("echo plain")
    install(look)
    answer = ask(host, look, Script(f"touch {tmp_path}/ran"))
    assert isinstance(answer, Unreachable) and not (tmp_path / "ran").exists()


def test_a_host_without_the_program_is_told_with_what_to_do(host: Sshd) -> None:
    answer = ask(host, made("echo plain"), Script("echo plain"))
    assert isinstance(answer, Unreachable)
    assert "the installed look does not start" in answer.reason and "drift permissions" in answer.hint


def test_templates_of_the_command_are_shipped() -> None:
    assert (assets.directory("kubernetes") / "role.yaml").is_file()
