"""The format of bundles, and what is refused."""

import hashlib
import io
import json
import tarfile

import pytest
from gramex_bundle.archive import FORMAT, BundleError, check, extract

FILES = {
    "manifest.json": json.dumps({"format": FORMAT, "suite": "bookworm", "architecture": "amd64"}).encode(),
    "wheels/tornado-6.5-cp39-abi3-manylinux_2_17_x86_64.whl": b"wheel",
    "debs/libaudit1_1%3a3.0.9-1_amd64.deb": b"deb",
    "debs/Packages": b"Package: libaudit1\n",
}


@pytest.fixture
def bundle(tmp_path):
    """Write a bundle; `files` are its members, `listed` what SHA256SUMS says of them, `sums` replaces its text."""

    def write(files=FILES, listed=None, sums=None, kind=tarfile.REGTYPE):
        listed = files if listed is None else listed
        text = (
            sums or "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in listed.items()).encode()
        )
        place = tmp_path / "büro bundle.tar"
        with tarfile.open(place, "w") as tar:
            for name, data in {"SHA256SUMS": text, **files}.items():
                member = tarfile.TarInfo(name)
                member.size, member.type = len(data), tarfile.REGTYPE if name == "SHA256SUMS" else kind
                tar.addfile(member, io.BytesIO(data))
        return place

    return write


def test_a_good_one_is_read_and_extracted(bundle, tmp_path):
    place = bundle()
    assert check(place).manifest["suite"] == "bookworm"
    (tmp_path / "into").mkdir()
    assert extract(place, tmp_path / "into") == check(place)
    assert {name: (tmp_path / "into" / name).read_bytes() for name in FILES} == FILES


def test_the_digest_is_that_of_the_content(bundle):
    first = check(bundle()).digest
    assert check(bundle()).digest == first
    assert check(bundle({**FILES, "debs/Packages": b"other"})).digest != first


@pytest.mark.parametrize("name", FILES)
def test_one_changed_byte_is_refused_by_name(bundle, name):
    data = FILES[name]
    place = bundle({**FILES, name: bytes([data[0] ^ 1]) + data[1:]}, listed=FILES)
    with pytest.raises(BundleError, match="changed or damaged") as error:
        check(place)
    assert name in str(error.value)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_refused_by_name(bundle, name):
    with pytest.raises(BundleError) as error:
        check(bundle({key: data for key, data in FILES.items() if key != name}, listed=FILES))
    assert name in str(error.value)


def test_a_file_that_is_not_listed_is_refused(bundle):
    with pytest.raises(BundleError, match=r"debs/more_1_all\.deb"):
        check(bundle({**FILES, "debs/more_1_all.deb": b"more"}, listed=FILES))


@pytest.mark.parametrize("name", ["../out.whl", "/etc/passwd", "wheels/../x.whl", "debs/a/b_1_all.deb", "wheels/.whl"])
def test_names_outside_of_the_format_are_refused(bundle, tmp_path, name):
    place = bundle({**FILES, name: b"x"})
    (tmp_path / "into").mkdir()
    with pytest.raises(BundleError):
        extract(place, tmp_path / "into")
    assert not (tmp_path / "out.whl").exists()


def test_links_are_refused(bundle):
    with pytest.raises(BundleError):
        check(bundle(kind=tarfile.SYMTYPE))


@pytest.mark.parametrize("data", [b"", b"no archive at all", b"\0" * 10240, b"\x1f\x8b\x08"])
def test_what_is_no_bundle_is_refused_without_a_traceback(tmp_path, data):
    place = tmp_path / "x.tar"
    place.write_bytes(data)
    with pytest.raises(BundleError, match="make bundle"):
        check(place)


def test_a_truncated_one_is_refused(bundle):
    place = bundle({**FILES, "debs/big_1_all.deb": b"x" * 100_000})
    place.write_bytes(place.read_bytes()[:50_000])
    with pytest.raises(BundleError):
        check(place)


def test_one_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(BundleError, match="cannot be read"):
        check(tmp_path / "missing.tar")


def test_another_format_is_refused(bundle):
    with pytest.raises(BundleError, match="another version"):
        check(bundle({**FILES, "manifest.json": b'{"format": 0}'}))
