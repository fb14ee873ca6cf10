"""An image is made anew when what goes into it changes, and only then."""

import dataclasses
from pathlib import Path

import pytest

from hosts import images

ONE = images.IMAGES[0]


def test_each_image_has_its_tag() -> None:
    assert len({image.tag for image in images.IMAGES}) == len(images.IMAGES)


def test_the_key_stands_for_what_goes_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    keys = {ONE.key}
    assert dataclasses.replace(ONE).key in keys
    keys.add(dataclasses.replace(ONE, packages=(*ONE.packages, "less")).key)
    keys.add(dataclasses.replace(ONE, command=("bash",)).key)
    authority = tmp_path / "company.crt"
    monkeypatch.setattr(images, "authorities", lambda: [authority])
    for content in ("one", "two"):
        authority.write_text(content, encoding="utf-8")
        keys.add(ONE.key)
    assert len(keys) == 5


def test_only_outdated_images_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    stale = images.IMAGES[1]
    monkeypatch.setattr(images, "_label", lambda tag: next(i.key for i in images.IMAGES if i.tag == tag))
    monkeypatch.setattr(images, "_replace", lambda image, make: made.append(image.tag))
    assert images.ensure() == []
    monkeypatch.setattr(images, "_label", lambda tag: "old" if tag == stale.tag else None)
    assert images.ensure((stale,)) == made == [stale.tag]


def test_a_registry_is_only_used_where_debian_packages_cannot_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images.engine, "is_debian", lambda: False)
    assert images._choose_maker() is images._from_registry
