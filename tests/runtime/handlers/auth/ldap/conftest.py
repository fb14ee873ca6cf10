"""A real directory, OpenLDAP's slapd, in a container.

It takes a minute and a container engine: `GRAMEX_TEST_HOSTS=1 pytest tests/runtime/handlers/auth/ldap` runs it.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

collect_ignore_glob = [] if os.environ.get("GRAMEX_TEST_HOSTS") else ["test_*.py"]

BASE = "gramex-test/debian:bookworm-bare"
RECIPE = f"""
FROM {BASE}
RUN echo 'slapd slapd/no_configuration boolean true' | debconf-set-selections \\
 && apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends slapd \\
 && rm -rf /var/lib/apt/lists/*
"""
CONFIGURATION = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
TLSCertificateFile /ldap/localhost.pem
TLSCertificateKeyFile /ldap/localhost.key
database mdb
suffix "dc=example,dc=org"
directory /ldap/data
access to attrs=userPassword by anonymous auth by * none
access to * by users read by * none
"""
PEOPLE = """
dn: dc=example,dc=org
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: ou=people,dc=example,dc=org
objectClass: organizationalUnit
ou: people

dn: ou=others,dc=example,dc=org
objectClass: organizationalUnit
ou: others

dn: cn=reader,dc=example,dc=org
objectClass: applicationProcess
objectClass: simpleSecurityObject
cn: reader
userPassword: reader's secret

dn: uid=Ann,ou=people,dc=example,dc=org
objectClass: inetOrgPerson
uid: Ann
cn: Ann Example
sn: Example
mail: ann@example.org
mail: a.example@example.org
departmentNumber: 7
userPassword: ann's sécret

dn: uid=o'neil\\, (bob)*,ou=people,dc=example,dc=org
objectClass: inetOrgPerson
uid: o'neil, (bob)*
cn: Bob
sn: O'Neil
mail: bob@example.org
userPassword: bob's secret

dn: uid=twin,ou=people,dc=example,dc=org
objectClass: inetOrgPerson
uid: twin
cn: Twin
sn: One
userPassword: twin's secret

dn: uid=twin,ou=others,dc=example,dc=org
objectClass: inetOrgPerson
uid: twin
cn: Twin
sn: Two
userPassword: twin's secret
"""
CERTIFICATES = """
set -e; cd /ldap
key='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
for name in ca other; do openssl req -x509 $key -days 2 -subj "/CN=$name" -keyout $name.key -out $name.pem; done
openssl req $key -subj /CN=localhost -keyout localhost.key -out localhost.csr
echo 'subjectAltName=DNS:localhost' >names
openssl x509 -req -in localhost.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out localhost.pem
"""


def docker(*words: str, text: str | None = None, seconds: float = 300) -> str:
    """Run a docker command; returns its output."""
    done = subprocess.run(["docker", *words], input=text, capture_output=True, text=True, timeout=seconds)
    assert done.returncode == 0, f"docker {words[0]}: {done.stdout}{done.stderr}"
    return done.stdout.strip()


@dataclass
class Slapd:
    """A running directory: its ports on this machine, and the files of its authority and of another one."""

    name: str
    ldap: int
    ldaps: int
    ca: Path
    other: Path

    def pause(self) -> None:
        """Stop answering; connections are still taken."""
        docker("pause", self.name)

    def resume(self) -> None:
        """Answer again."""
        docker("unpause", self.name)


@pytest.fixture(scope="session")
def slapd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slapd]:
    """The directory of example.org."""
    run = os.environ.get("GRAMEX_TEST_RUN", f"-{os.getpid()}")
    name, folder = f"gramex-test-ldap{run}", tmp_path_factory.mktemp("ldap")
    docker("build", "-q", "-t", "gramex-test/ldap", "-", text=RECIPE)
    docker(
        *("run", "-d", "--name", name, "--label", f"gramex.test.run={run}"),
        *("-p", "127.0.0.1::389", "-p", "127.0.0.1::636", "gramex-test/ldap", "sleep", "infinity"),
    )
    try:
        for path, content in {"slapd.conf": CONFIGURATION, "people.ldif": PEOPLE}.items():
            docker("exec", "-i", name, "sh", "-c", f"mkdir -p /ldap/data; cat >/ldap/{path}", text=content.lstrip())
        docker("exec", "-i", name, "sh", text=CERTIFICATES)
        docker("exec", name, "slapadd", "-f", "/ldap/slapd.conf", "-l", "/ldap/people.ldif")
        docker("exec", "-d", name, "slapd", "-f", "/ldap/slapd.conf", "-h", "ldap:/// ldaps:///", "-d", "0")
        for file in ("ca", "other"):
            (folder / f"{file}.pem").write_text(docker("exec", name, "cat", f"/ldap/{file}.pem"))
        ports = [int(docker("port", name, str(port)).splitlines()[0].rpartition(":")[2]) for port in (389, 636)]
        for _ in range(100):
            if (
                subprocess.run(["docker", "exec", name, "pidof", "slapd"], capture_output=True, timeout=30).returncode
                == 0
            ):
                break
            time.sleep(0.1)
        yield Slapd(name, *ports, folder / "ca.pem", folder / "other.pem")
    finally:
        docker("rm", "-f", "-v", name)
