"""Secrets on their way: told apart by keyed digests, packed as one text, written as YAML that reads back."""

from __future__ import annotations

import base64
import json
import zlib

import yaml
from gramex_source import private

SECRETS = {"PASSWORD": "sehr geheim: ü $x \"'", "PIN": 1234567, "FLAG": True, "MULTI": "a\nb\n", "SHORT": "ab"}


class Marked(str):
    """A text as Ansible marks what it reads: a subclass that YAML cannot write."""


def test_secrets_read_back_as_they_were(app):
    assert yaml.safe_load(private.text(app(secrets=SECRETS))) == SECRETS
    assert private.text(app()) == ""


def test_marks_of_ansible_are_gone(app):
    [joined] = private.join([app(env={Marked("A"): Marked("b")})], {"site": {"X": Marked("y")}})
    assert (type(joined["env"]["A"]), type(joined["secrets"]["X"])) == (str, str)
    assert yaml.safe_load(private.text(joined)) == {"X": "y"}


def test_the_digest_follows_env_secrets_and_the_hosts_key(app):
    digests = {
        private.digest(app(), "k"),
        private.digest(app(), "another"),
        private.digest(app(env={"A": "1"}), "k"),
        private.digest(app(secrets={"A": "1"}), "k"),
        private.digest(app(secrets={"A": 1}), "k"),
    }
    assert len(digests) == 5
    assert private.digest(app(env={"A": "1", "B": "2"}), "k") == private.digest(app(env={"B": "2", "A": "1"}), "k")


def test_the_pack_shows_nothing_and_holds_all(app):
    packed = private.pack([app(env={"LEVEL": "info"}, secrets=SECRETS)])
    assert "geheim" not in packed
    told = json.loads(zlib.decompress(base64.b64decode(packed)))["site"]
    assert told["env"] == {"LEVEL": "info"}
    assert yaml.safe_load(told["secrets"]) == SECRETS
    assert told["hidden"] == ["sehr geheim: ü $x \"'", "1234567"]


def test_a_certificate_travels_unseen_and_is_a_change(app):
    read = {"a.pem": "leaf", "a.key": "hush-4711"}.__getitem__
    https = {"certificate": "/c.pem", "key": "/k.pem", "source": {"certificate": "a.pem", "key": "a.key"}}
    (with_pair,) = private.with_pairs([app(https=https)], read)
    (there,) = private.with_pairs([app(https={**https, "source": {}})], read)
    (without,) = private.with_pairs([app()], read)
    packed = private.pack([with_pair])
    assert "hush" not in packed
    told = json.loads(zlib.decompress(base64.b64decode(packed)))
    assert told["site"]["pair"] == {"certificate.pem": "leaf", "key.pem": "hush-4711"}
    digests = {private.digest(each, "k") for each in (app(), without, there)}
    assert len(digests) == 1
    assert private.digest(with_pair, "k") not in digests
