"""A host without a network, deployed from a bundle."""

from __future__ import annotations

import os
import re
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from system.controller import Controller
from system.target import Browser, Target, root_folder

UNDISTURBED = (
    "systemctl show -P MainPID nginx 'gramex-site@*' && "
    "find /var/cache/gramex /etc/gramex -type f -print0 | sort -z | xargs -0 sha256sum"
)


@pytest.fixture
def damaged() -> Iterator[tuple[Path, str]]:
    """A copy of the bundle with one byte flipped in the middle of a package; with the package's name."""
    folder = root_folder() / "build" / "test" / f"offline{os.environ.get('GRAMEX_TEST_RUN', '')}"
    place = folder / "damaged é.tar"
    shutil.copyfile(folder / "bundle.tar", place)
    with tarfile.open(place) as tar:
        member = next(each for each in tar if each.name.startswith("debs/nginx_"))
    with place.open("r+b") as file:
        file.seek(member.offset_data + member.size // 2)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 1]))
    yield place, member.name
    place.unlink()


def test_the_host_has_no_network(target: Target) -> None:
    interfaces = re.findall(r"^\d+: (\w+)", target.output("ip -o link"), re.MULTILINE)
    assert interfaces == ["lo"]


def test_the_app_answers_behind_tls(browser: Browser) -> None:
    answer = browser.request("GET", "/")
    assert answer.status == 200
    assert "Harbour Tea" in answer.text


def test_a_flipped_byte_is_refused_by_name_and_nothing_changes(
    target: Target, controller: Controller, damaged: tuple[Path, str]
) -> None:
    place, name = damaged
    before = target.output(UNDISTURBED)
    play = controller.play("site.yml", "-e", f"gramex_bundle='{place}'")
    assert play.code != 0
    assert name in play.output
    assert "Traceback" not in play.output
    assert target.output(UNDISTURBED) == before


def test_a_bundle_that_is_none_is_refused(controller: Controller) -> None:
    play = controller.play("site.yml", "-e", f"gramex_bundle={root_folder() / 'README.md'}")
    assert play.code != 0
    assert "make bundle" in play.output


def test_removal_takes_the_bundle_too(target: Target, controller: Controller) -> None:
    assert target.run("test -d /var/cache/gramex/bundle").returncode == 0
    play = controller.play("ansible/playbooks/remove.yml")
    assert play.code == 0, play.end
    assert target.run("test -e /var/cache/gramex").returncode == 1
