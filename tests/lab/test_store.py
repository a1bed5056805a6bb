from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from k8snet_provision.lab.store import Store, spoken


class Heard(list[str]):
    def __call__(self, text: str) -> None:
        self.append(text)


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def store(tmp_path: Path, heard: Heard) -> Store:
    return Store(tmp_path / "artifacts", heard)


def _fill(out: Path) -> None:
    (out / "program").write_text("right")


def _refuse(out: Path) -> None:
    raise AssertionError("built although it was there")


def test_a_thing_is_built_once(store: Store) -> None:
    first = store.obtain("go", "k1", _fill, 1)
    assert (first / "program").read_text() == "right"
    assert store.obtain("go", "k1", _refuse, 1) == first


def test_another_key_is_another_thing(store: Store) -> None:
    assert store.obtain("go", "k1", _fill, 1) != store.obtain("go", "k2", _fill, 1)
    assert store.usable("go", "k1")
    assert store.usable("go", "k2")


def test_a_damaged_thing_is_named_and_built_again(store: Store, heard: Heard) -> None:
    program = store.obtain("go", "k1", _fill, 1) / "program"
    program.write_text("wrong")
    store.obtain("go", "k1", _fill, 1)
    assert program.read_text() == "right"
    assert any(f"go: will be built again: {program} has changed" in text for text in heard)


def test_a_thing_without_its_manifest_is_not_trusted(store: Store, heard: Heard) -> None:
    thing = store.obtain("go", "k1", _fill, 1)
    thing.with_name(f"{thing.name}.manifest").unlink()
    (thing / "program").write_text("wrong")
    assert not store.usable("go", "k1")
    assert (store.obtain("go", "k1", _fill, 1) / "program").read_text() == "right"


def test_an_interrupted_build_leaves_nothing(store: Store) -> None:
    def interrupted(out: Path) -> None:
        _fill(out)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.obtain("go", "k1", interrupted, 1)
    assert not store.usable("go", "k1")
    assert not [path for path in store.directory.iterdir() if path.is_dir()]


def test_what_a_killed_build_left_is_cleared_away(store: Store) -> None:
    left = store.directory / ".go.partial" / "half"
    left.mkdir(parents=True)
    thing = store.obtain("go", "k1", _fill, 1)
    assert [path.name for path in thing.iterdir()] == ["program"]
    assert not left.exists()


def test_the_first_build_says_what_is_typical_and_the_next_what_it_took(store: Store, heard: Heard) -> None:
    store.obtain("go", "k1", _fill, 280)
    assert heard[0] == "go: building (takes about 4 min 40 s on two cores)"
    (store.directory / "go.seconds").write_text("71.4\n")
    heard.clear()
    store.obtain("go", "k2", _fill, 280)
    assert heard[0] == "go: building (took 1 min 11 s last time)"


def test_a_duration_that_can_not_be_read_is_not_needed(store: Store, heard: Heard) -> None:
    store.directory.mkdir()
    (store.directory / "go.seconds").write_text("soon")
    store.obtain("go", "k1", _fill, 5)
    assert heard[0] == "go: building (takes about 5 s on two cores)"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (622.1, "10 min 22 s")]
)
def test_durations_as_spoken(seconds: float, text: str) -> None:
    assert spoken(seconds) == text


_SLOW_BUILD = """
import sys, time
from pathlib import Path
from k8snet_provision.lab.store import Store

def build(out):
    with Path(sys.argv[2]).open("a") as log:
        log.write("built\\n")
    time.sleep(0.5)
    (out / "program").write_text("right")

made = Store(Path(sys.argv[1]), print).obtain("go", "k1", build, 1)
print("found", (made / "program").read_text())
"""


def test_two_processes_at_once_build_it_once(tmp_path: Path) -> None:
    command = (sys.executable, "-c", _SLOW_BUILD, str(tmp_path / "store"), str(tmp_path / "log"))
    root = Path(__file__).parents[2]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) for _ in range(2)]
    outputs = [process.communicate(timeout=30)[0] for process in both]
    assert ["found right" in output for output in outputs] == [True, True]
    assert (tmp_path / "log").read_text() == "built\n"


def test_who_waits_for_another_build_says_so_and_can_be_stopped(store: Store, heard: Heard) -> None:
    building, finish = threading.Event(), threading.Event()

    def build(out: Path) -> None:
        building.set()
        finish.wait(10)

    other = threading.Thread(target=store.obtain, args=("go", "k1", build, 1))
    other.start()
    building.wait(10)
    waiting = Store(store.directory, heard)
    outcome: list[BaseException] = []

    def wait_for_it() -> None:
        try:
            waiting.usable("go", "k1")
        except Exception as error:
            outcome.append(error)

    waiter = threading.Thread(target=wait_for_it)
    waiter.start()
    waiter.join(0.5)
    assert "go: waiting for another command that builds it" in heard
    waiting.give_up()
    waiter.join(5)
    finish.set()
    other.join(10)
    assert [type(error).__name__ for error in outcome] == ["GivenUp"]
