"""Passwords: which hashes are known, who may log in, and that every name costs the same work."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any

import pytest

from gramex.handlers import password
from gramex.handlers.password import Credentials, Hash, hash_password, matches, parse_hash

ARGON2 = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHRzb21l$T8L0Gm5Xl7O8vVA2tEVNcHJ/tmCGHWwzVtHVAsI6f3U"
SCRYPT = "$scrypt$ln=4,r=8,p=1$c2FsdHNhbHRzYWx0c2FsdA$"


def scrypt(text: str) -> str:
    import base64
    import hashlib

    made = hashlib.scrypt(text.encode(), salt=b"saltsaltsaltsalt", n=16, r=8, p=1, dklen=32)
    return SCRYPT + base64.b64encode(made).decode().rstrip("=")


def argon2(text: str) -> str:
    from argon2 import PasswordHasher

    return PasswordHasher(1, 8, 1).hash(text)


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The kinds of hashes that were computed, in order."""
    done: list[str] = []

    def counted(hash: Hash, text: str) -> bool:
        done.append(hash.profile)
        return matches(hash, text)

    monkeypatch.setattr(password, "matches", counted)
    return done


@pytest.mark.parametrize("make", [argon2, scrypt, hash_password])
def test_hash_matches_its_password_alone(make: Callable[[str], str]):
    found = parse_hash(make("sécret"))
    assert found
    assert matches(found, "sécret")
    assert not matches(found, "secret")
    assert not matches(found, "")


def test_own_hash_is_argon2id_and_salted():
    assert hash_password("a").startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert hash_password("a") != hash_password("a")


def test_without_argon2_there_is_scrypt(monkeypatch: pytest.MonkeyPatch):
    real = builtins.__import__

    def missing(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.split(".")[0] == "argon2":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", missing)
    made = hash_password("secret")
    assert made.startswith("$scrypt$ln=15,r=8,p=1$")
    assert matches(parse_hash(made), "secret")
    with pytest.raises(ValueError, match="argon2-cffi is not installed"):
        parse_hash(ARGON2)


def test_passlib_writes_dots_for_pluses():
    # passlib's documentation: scrypt.hash("password")
    text = "$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E"
    assert matches(parse_hash(text), "password")
    assert matches(parse_hash(text.replace("+", ".")), "password")


@pytest.mark.parametrize("plain", ["secret", "", "$", "$money$", "scrypt", "pa$$word", "$argon", "a:b$c"])
def test_plain_passwords_are_no_hashes(plain: str):
    assert parse_hash(plain) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ", "damaged Argon2"),
        ("$argon2id$nonsense", "damaged Argon2"),
        (ARGON2.replace("m=8", "m=99999999"), "costs too much"),
        ("$scrypt$ln=40,r=8,p=1$c2FsdA$c2FsdA", "costs too much"),
        ("$scrypt$ln=4$c2FsdA$c2FsdA", "damaged scrypt"),
        ("$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW", "of a kind that is not known"),
        ("$6$rounds=5000$salt$hash", "of a kind that is not known"),
        ("pbkdf2:sha256:1000$salt$hash", "of a kind that is not known"),
        ("pbkdf2_sha256$1000$salt$hash", "of a kind that is not known"),
    ],
)  # fmt: skip
def test_a_hash_that_cannot_be_used_is_no_password(text: str, words: str):
    with pytest.raises(ValueError, match=words):
        parse_hash(text)
    credentials = Credentials({"ann": text, "bob": "fine"})
    assert [problem.split(" ")[1] for problem in credentials.problems] == ["ann:"]
    assert words in credentials.problems[0]
    assert not credentials.check("ann", text)
    assert credentials.check("bob", "fine")


@pytest.mark.parametrize("bad", ["", None, True, ["a"], {}, {"role": "x"}, {"password": ""}, {"password": None}])
def test_users_without_a_password_cannot_log_in(bad: Any):
    credentials = Credentials({"ann": bad, "bob": "fine"})
    assert "credentials: ann: the password" in credentials.problems[0]
    for text in ("", "None", "True", "-", str(bad)):
        assert not credentials.check("ann", text)


@pytest.mark.parametrize("make", [str, argon2, scrypt])
def test_who_may_log_in(make: Callable[[str], str]):
    credentials = Credentials({"ann": make("a"), "bob": {"password": make("b"), "role": "admin"}, 5: make("7")})
    assert credentials.problems == []
    assert credentials.check("ann", "a")
    assert credentials.check("bob", "b")
    assert credentials.check("5", "7")
    for user, text in [
        ("ann", "b"),
        ("ann", ""),
        ("ann", "A"),
        ("Ann", "a"),
        ("", ""),
        ("", "a"),
        ("eve", "a"),
        ("eve", ""),
        ("eve", "None"),
    ]:
        assert not credentials.check(user, text), (user, text)
    assert credentials.attributes == {"ann": {}, "bob": {"role": "admin"}, "5": {}}
    assert credentials.hashed == (make is not str)


def test_numbers_are_passwords_as_they_are_written():
    assert Credentials({"ann": 1234}).check("ann", "1234")


def test_too_long_a_password_is_wrong():
    text = "x" * 5000
    assert not Credentials({"ann": text}).check("ann", text)


def test_nothing_keeps_a_plain_password():
    credentials = Credentials({"ann": "hunter2-hunter2"})
    assert "hunter2-hunter2" not in repr(vars(credentials))


def test_every_name_costs_the_same_work(work: list[str]):
    credentials = Credentials({"a": argon2("a"), "s": scrypt("s"), "p": "p", "b": argon2("b")})
    costs = {}
    for user in ("a", "s", "p", "b", "nobody", ""):
        for text in ("a", "wrong", "", "y" * 5000):
            work.clear()
            credentials.check(user, text)
            costs[user, text] = sorted(work)
    assert len(costs["a", "a"]) == 2  # one of each kind
    assert set(map(tuple, costs.values())) == {tuple(costs["a", "a"])}


def test_plain_passwords_alone_cost_no_hash(work: list[str]):
    credentials = Credentials({"ann": "a"})
    assert credentials.check("ann", "a")
    assert not credentials.check("eve", "a")
    assert work == []


def test_a_stand_in_never_lets_anybody_in():
    # bob's hash stands in for names without one: his password must not open them
    credentials = Credentials({"bob": argon2("b"), "ann": "a"})
    assert not credentials.check("eve", "b")
    assert not credentials.check("ann", "b")
