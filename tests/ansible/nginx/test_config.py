"""Reading other people's nginx configuration."""

from __future__ import annotations

from pathlib import Path

import pytest
from gramex_nginx.config import address, defaults, foreign, parse

MAIN = """
user www-data;
pid /run/n.pid;
error_log /var/log/nginx/e.log warn;  # a comment; with { marks }
events { worker_connections 768; }
http {
    server_names_hash_bucket_size 128;
    include conf.d/*.conf;
    include FOLDER/sites-enabled/*;
}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An /etc/nginx as Debian lays it out."""
    for name in ("conf.d", "sites-enabled", "snippets"):
        (tmp_path / name).mkdir()
    (tmp_path / "nginx.conf").write_text(MAIN.replace("FOLDER", str(tmp_path)))
    return tmp_path


def write(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text)
    return folder / name


def test_quotes_comments_and_marks_in_words() -> None:
    found = parse('a \'x;y\' "q\\"{" # c;}\n ${b}c d\\;e;\nf { g 1; }', "F")
    assert [(item.name, item.args, item.line) for item in found] == [
        ("a", ["x;y", 'q"{', "${b}c", "d\\;e"], 1),
        ("f", [], 3),
    ]
    assert [(item.name, item.args) for item in found[1].block or []] == [("g", ["1"])]


@pytest.mark.parametrize("text", ["server {", "}", "a", '"', "a { b { c;", "}}} a;", "'", "\\"])
def test_broken_text_never_raises(text: str) -> None:
    assert isinstance(parse(text, "F"), list)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("80", "*:80"),
        ("*:80", "*:80"),
        ("0.0.0.0:80", "*:80"),
        ("[::]:443", "[::]:443"),
        ("127.0.0.1", "127.0.0.1:80"),
        ("[::1]", "[::1]:80"),
        ("10.0.0.1:8080", "10.0.0.1:8080"),
        ("unix:/run/x.sock", ""),
    ],
)
def test_addresses_of_listen(text: str, key: str) -> None:
    assert address(text) == key


def test_servers_with_file_and_line(folder: Path) -> None:
    write(folder, "snippets/names", "server_name Shop.example;\n")
    path = write(
        folder,
        "sites-enabled/shop",
        f"# shop\nserver {{\n listen 80 default_server;\n listen [::]:80;\n include {folder}/snippets/names;\n}}\n",
    )
    (server,) = foreign(folder).servers
    assert server.where == f"{path}:2"
    assert server.listens == {"*:80": True, "[::]:80": False}
    assert server.names == ["shop.example"]


def test_a_server_without_listen_is_on_port_80(folder: Path) -> None:
    write(folder, "conf.d/x.conf", "server { server_name a; }")
    assert foreign(folder).servers[0].listens == {"*:80": False}


def test_own_and_ignored_files_do_not_count(folder: Path) -> None:
    write(folder, "conf.d/gramex-site-a.conf", "server { listen 80; }")
    default = write(folder, "sites-enabled/default", "server { listen 80 default_server; }")
    assert foreign(folder, [default]).servers == []
    assert len(foreign(folder).servers) == 1


def test_what_the_main_and_http_levels_say(folder: Path) -> None:
    found = foreign(folder)
    assert found.main["pid"] == ["/run/n.pid"]
    assert found.main["error_log"][0] == "/var/log/nginx/e.log"
    assert found.http["server_names_hash_bucket_size"] == f"{folder}/nginx.conf:7"


def test_conf_d_must_be_read(folder: Path) -> None:
    assert foreign(folder).included
    write(folder, "nginx.conf", "http { include sites-enabled/*; }")
    assert not foreign(folder).included


def test_a_file_that_includes_itself_ends(folder: Path) -> None:
    write(folder, "conf.d/loop.conf", f"include {folder}/conf.d/loop.conf;\nserver {{ listen 1; }}")
    assert foreign(folder).servers


def test_lua_and_odd_blocks_are_passed_over(folder: Path) -> None:
    write(folder, "conf.d/lua.conf", 'init_by_lua_block { local a = { "x" } }\nserver { listen 81; }')
    assert [server.listens for server in foreign(folder).servers] == [{"*:81": False}]


def test_who_stays_the_default(folder: Path) -> None:
    """`default_server` counts, and so does being read before our files; being first after them cannot stay."""
    write(folder, "conf.d/early.conf", "server { listen 8080; }")
    write(folder, "sites-enabled/a", "server { listen 80; }")
    write(folder, "sites-enabled/b", "server { listen 443 ssl default_server; listen 80; }")
    kept, displaced = defaults(foreign(folder).servers, ["*:80", "[::]:80", "*:443", "*:8080"])
    assert kept == {"*:443": f"{folder}/sites-enabled/b:1", "*:8080": f"{folder}/conf.d/early.conf:1"}
    assert displaced == {"*:80": f"{folder}/sites-enabled/a:1"}
