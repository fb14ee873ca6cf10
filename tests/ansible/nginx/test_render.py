"""What the templates say, by structure: every promise of the role that can be seen in the files."""

from __future__ import annotations

from typing import Any

import pytest
from gramex_nginx.digest import PLACEHOLDER
from gramex_nginx.render import STATUS_ADDRESS, RenderError, render

from .conftest import BOOKWORM, TRIXIE, Tree, app, plan, site

HTTP, LOCAL = "gramex-http.conf", "gramex-site-localhost.conf"
# What the runtime believes of its proxy, so a client must never get it through.
TRUSTED = ("X-Real-IP", "X-Forwarded-For", "X-Scheme", "X-Forwarded-Proto", "X-Request-URI", "X-Gramex-Root")


def headers(location: Tree) -> dict[str, str]:
    return {item.args[0]: item.args[1] for item in location.all("proxy_set_header")}


def test_one_file_for_each_site_and_one_for_all(rendered, local) -> None:
    made, _ = rendered(local)
    assert sorted(made.files) == [HTTP, LOCAL]
    assert PLACEHOLDER in made.files[HTTP]
    assert made.ports == [80, 443]


@pytest.mark.parametrize("path", ["/", "/api/", "/raw/"])
def test_every_location_sets_all_headers_of_the_edge(rendered, local, path: str) -> None:
    """A proxy_set_header in a block cancels the inherited ones: each location needs the whole set."""
    _, files = rendered(local)
    (server,) = files[LOCAL].servers("localhost", secure=True)
    found = headers(server.block("location", path))
    assert set(TRUSTED) < set(found)
    assert found["Host"] == "$host"
    assert found["X-Real-IP"] == found["X-Forwarded-For"] == "$remote_addr"
    assert found["X-Scheme"] == found["X-Forwarded-Proto"] == "$scheme"
    assert found["X-Request-URI"] == "$request_uri"
    assert found["Upgrade"] == "$gramex_upgrade"
    assert found["Connection"] == "$gramex_connection"
    for dropped in ("Forwarded", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Prefix", "Proxy"):
        assert found[dropped] == ""


def test_strip_decides_what_the_app_sees(rendered, local) -> None:
    _, files = rendered(local)
    (server,) = files[LOCAL].servers("localhost", secure=True)
    seen = {
        path: (server.block("location", path).value("proxy_pass"), headers(server.block("location", path)))
        for path in ("/", "/api/", "/raw/")
    }
    assert seen["/"][0] == ["http://gramex-site"]
    assert seen["/"][1]["X-Gramex-Root"] == ""
    assert seen["/api/"][0] == ["http://gramex-api/"]
    assert seen["/api/"][1]["X-Gramex-Root"] == "/api"
    assert seen["/raw/"][0] == ["http://gramex-raw"]
    assert seen["/raw/"][1]["X-Gramex-Root"] == ""  # what the app sees is the outer path already


def test_locations_are_ordered_and_the_root_is_nobodys_without_an_app(rendered) -> None:
    _, files = rendered(plan([app("api", "/api/")], [site("example.com", ["api"])]))
    (server,) = files["gramex-site-example.com.conf"].servers("example.com", secure=True)
    assert server.block("location", "/").value("return") == ["404"]


def test_redirects_of_apps_pass_untouched(rendered, local) -> None:
    _, files = rendered(local)
    (server,) = files[LOCAL].servers("localhost", secure=True)
    assert server.value("proxy_redirect") == ["off"]
    assert not any(Tree(item.block or []).all("proxy_redirect") for item in server.all("location"))


def test_limits_of_each_app(rendered) -> None:
    apps = [app("big", max_upload="2g", timeout=7), app("small", "/small/", max_upload="1k")]
    _, files = rendered(plan(apps, [site("example.com", ["small", "big"])]))
    (server,) = files["gramex-site-example.com.conf"].servers("example.com", secure=True)
    big, small = server.block("location", "/"), server.block("location", "/small/")
    assert big.value("client_max_body_size") == ["2g"]
    assert big.value("proxy_read_timeout") == big.value("proxy_send_timeout") == ["7s"]
    assert small.value("client_max_body_size") == ["1k"]


def test_upstreams_list_their_only_address_for_each_connection_that_may_be_dead(rendered, local) -> None:
    _, files = rendered(local)
    for name, address in (("site", "unix:/run/gramex/site.sock"), ("raw", "127.0.0.1:8001")):
        block = files[HTTP].block("upstream", f"gramex-{name}")
        kept = int(block.value("keepalive")[0])
        assert [item.args for item in block.all("server")] == [[address, "max_fails=0"]] * (kept + 2)


@pytest.mark.parametrize(
    ("path", "strip", "expected"),
    [("/", True, []), ("/a.b/", False, []), ("/a.b/", True, [["~^/(?!a[.]b/)(.*)$", "/a.b/$1"]])],
)
def test_the_full_gramex_emits_inner_paths(rendered, path: str, strip: bool, expected: list[list[str]]) -> None:
    apps = [app("old", path, strip=strip, distribution="gramex"), app("new", "/new/")]
    _, files = rendered(plan(apps, [site("example.com", ["old", "new"])]))
    (server,) = files["gramex-site-example.com.conf"].servers("example.com", secure=True)
    found = {at: [item.args for item in server.block("location", at).all("proxy_redirect")] for at in (path, "/new/")}
    assert found == {path: expected, "/new/": []}


def test_only_websockets_are_upgraded(rendered, local) -> None:
    _, files = rendered(local)
    upgrade = files[HTTP].block("map", "$http_upgrade")
    assert [(item.name, item.args) for item in upgrade.directives] == [
        ("default", [""]),
        ("~*^websocket$", ["websocket"]),
    ]
    connection = files[HTTP].block("map", "$gramex_upgrade")
    assert [(item.name, item.args) for item in connection.directives] == [("default", [""]), ("websocket", ["upgrade"])]


@pytest.mark.parametrize(("host", "directive"), [(BOOKWORM, False), (TRIXIE, True)])
def test_http2_as_this_nginx_says_it(rendered, local, host: dict[str, Any], directive: bool) -> None:
    """Before 1.25.1 `http2 on` is an error; since then the parameter of listen is a warning."""
    _, files = rendered(local, host)
    for server in [*files[LOCAL].servers(secure=True), *files[HTTP].servers(secure=True)]:
        assert bool(server.all("http2")) is directive
        assert all(("http2" in args) is not directive for args in server.listens)


def test_tls_is_mozillas_intermediate(rendered, local) -> None:
    for host, curves in ((BOOKWORM, "X25519:"), (TRIXIE, "X25519MLKEM768:X25519:")):
        _, files = rendered(local, host)
        for server in [*files[LOCAL].servers(secure=True), *files[HTTP].servers(secure=True)]:
            assert server.value("ssl_protocols") == ["TLSv1.2", "TLSv1.3"]
            assert server.value("ssl_prefer_server_ciphers") == ["off"]
            assert server.value("ssl_session_tickets") == ["off"]
            assert server.value("ssl_ecdh_curve") == [f"{curves}prime256v1:secp384r1"]
            ciphers = server.value("ssl_ciphers")[0].split(":")
            assert len(ciphers) == 6
            assert all(cipher.startswith("ECDHE-") and "CBC" not in cipher for cipher in ciphers)


def test_plain_http_only_redirects_and_answers_acme(rendered, local) -> None:
    _, files = rendered(local)
    (server,) = files[LOCAL].servers("localhost", secure=False)
    assert server.listens == [["80"], ["[::]:80"]]
    assert server.block("location", "/").value("return") == ["301", "https://$host$request_uri"]
    (challenge,) = [item for item in server.all("location") if item.args[0] == "^~"]
    assert challenge.args[1] == "/.well-known/acme-challenge/"
    assert Tree(challenge.block or []).value("root") == ["/var/lib/gramex-acme"]


def test_other_domains_redirect_in_one_step(rendered, local) -> None:
    _, files = rendered(local)
    plain, secure = files[LOCAL].servers("www.example.com")
    assert plain.block("location", "/").value("return") == ["301", "https://localhost$request_uri"]
    assert secure.value("return") == ["301", "https://localhost$request_uri"]
    assert secure.value("ssl_certificate") == ["/etc/gramex/tls/localhost/cert.pem"]


def test_certificates_are_for_all_names(rendered, local) -> None:
    made, _ = rendered(local)
    (certificate,) = made.certificates
    assert certificate.names == ["localhost", "127.0.0.1", "[::1]", "machine", "www.example.com"]
    assert (certificate.kind, certificate.domain) == ("selfsigned", "localhost")


def test_without_tls_the_apps_are_on_port_80(rendered) -> None:
    made, files = rendered(plan([app("site")], [site("example.com", ["site"], tls="none", url="http://example.com")]))
    (server,) = files["gramex-site-example.com.conf"].servers("example.com")
    assert server.listens == [["80"], ["[::]:80"]]
    assert server.block("location", "/").value("proxy_pass") == ["http://gramex-site"]
    assert [item.args[1] for item in server.all("location") if item.args[0] == "^~"] == ["/.well-known/acme-challenge/"]
    assert made.certificates == []
    assert made.ports == [80]
    assert not files[HTTP].servers(secure=True)


FILES = {"certificate": "files/example.pem", "key": "files/example.key"}


@pytest.mark.parametrize(
    ("domain", "tls", "sent"),
    [
        ("example.com", "files", True),
        ("example.com", "selfsigned", False),
        ("localhost", "files", False),
        ("example.com", "none", False),
    ],
)
def test_hsts_only_where_users_can_follow(rendered, domain: str, tls: str, sent: bool) -> None:
    wanted = plan([app("site")], [site(domain, ["site"], tls=tls)], nginx_certificates={domain: FILES})
    made, files = rendered(wanted)
    assert ("Strict-Transport-Security" in made.files[f"gramex-site-{domain}.conf"]) is sent
    if sent:
        (server,) = files[f"gramex-site-{domain}.conf"].servers(domain, secure=True)
        assert server.value("add_header") == ["Strict-Transport-Security", "max-age=63072000", "always"]
        # An add_header below would cancel it, and an app's own header would be a second one.
        assert not any(Tree(item.block or []).all("add_header") for item in server.all("location"))
        assert server.block("location", "/").value("proxy_hide_header") == ["Strict-Transport-Security"]


def test_no_security_header_but_hsts(rendered, local) -> None:
    """The apps send their own; a second X-Frame-Options and the like would confuse browsers."""
    made, _ = rendered(local)
    assert not any("add_header" in text for text in made.files.values())


def test_versions_are_not_told(rendered, local) -> None:
    _, files = rendered(local)
    for tree in files.values():
        assert all(server.value("server_tokens") == ["off"] for server in tree.servers())


def test_unknown_names_are_refused(rendered, local) -> None:
    _, files = rendered(local)
    plain, secure = files[HTTP].servers("gramex-unknown.invalid")
    assert plain.listens == [["80", "default_server"], ["[::]:80", "default_server"]]
    assert plain.value("return") == ["444"]
    assert all("default_server" in args for args in secure.listens)
    assert secure.value("return") == ["421"]
    # Clients that ask by address send no name in TLS.
    assert secure.value("ssl_certificate") == ["/etc/gramex/tls/localhost/cert.pem"]


def test_unknown_names_get_no_certificate_of_others(rendered) -> None:
    _, files = rendered(plan([app("site")], [site("example.com", ["site"])]))
    _, secure = files[HTTP].servers("gramex-unknown.invalid")
    assert secure.value("ssl_reject_handshake") == ["on"]
    assert not secure.all("ssl_certificate")


def test_other_peoples_default_servers_stay(rendered, local) -> None:
    kept = {"*:80": "/etc/nginx/sites-enabled/shop:3", "*:443": "x", "[::]:443": "x"}
    _, files = rendered(local, {**BOOKWORM, "kept": kept})
    (plain,) = files[HTTP].servers("gramex-unknown.invalid")
    assert plain.listens == [["[::]:80", "default_server"]]


def test_without_ipv6_nothing_listens_on_it(rendered, local) -> None:
    made, _ = rendered(local, {**BOOKWORM, "ipv6": False})
    assert not any("[::]" in text.replace("[::1]", "") for text in made.files.values())


def test_other_ports_are_in_urls_and_in_the_host_of_the_app(rendered) -> None:
    wanted = plan(
        [app("site")],
        [site("example.com", ["site"], redirect=["old.example.com"], url="https://example.com:8443")],
        nginx_http_port=8080,
        nginx_https_port=8443,
    )
    made, files = rendered(wanted)
    plain, secure = files["gramex-site-example.com.conf"].servers("example.com")
    assert plain.listens == [["8080"], ["[::]:8080"]]
    assert plain.block("location", "/").value("return") == ["301", "https://$host:8443$request_uri"]
    assert headers(secure.block("location", "/"))["Host"] == "$host:$server_port"
    (old, _) = files["gramex-site-example.com.conf"].servers("old.example.com")
    assert old.block("location", "/").value("return") == ["301", "https://example.com:8443$request_uri"]
    assert made.rows[0]["urls"] == ["https://example.com:8443/"]


def test_the_digest_is_at_a_loopback_address_of_its_own(rendered, local) -> None:
    """Without a socket beside that of port 80: a UNIX socket would keep a killed nginx from starting again."""
    _, files = rendered(local)
    (server,) = files[HTTP].servers("gramex-status.invalid")
    assert server.listens == [[f"{STATUS_ADDRESS}:80"]]
    (answer,) = [item for item in server.all("location") if item.args[0] == "="]
    assert Tree(answer.block or []).value("return")[0] == "200"
    assert not any("unix:" in " ".join(args) for server in files[HTTP].servers() for args in server.listens)


def test_errors_of_the_proxy_have_a_small_page_and_keep_their_status(rendered, local) -> None:
    made, files = rendered(local)
    (server,) = files[LOCAL].servers("localhost", secure=True)
    assert [item.args for item in server.all("error_page")] == [
        [code, f"@gramex_{code}"] for code in ("502", "503", "504")
    ]
    for code in ("502", "503", "504"):
        status, page = server.block("location", f"@gramex_{code}").value("return")
        assert status == code
        assert page.startswith("<!doctype html>")
        assert len(page) < 1000
        assert "$" not in page
    assert "proxy_intercept_errors" not in made.files[LOCAL]  # an app's own error pages pass


def test_long_names_get_a_larger_hash_unless_the_operator_has_one(rendered) -> None:
    name = f"{'a' * 50}.example.com"
    wanted = plan([app("site")], [site(name, ["site"])])
    _, files = rendered(wanted)
    assert files[HTTP].value("server_names_hash_bucket_size") == ["128"]
    own = {**BOOKWORM, "http": {"server_names_hash_bucket_size": "/etc/nginx/nginx.conf:20"}}
    _, files = rendered(wanted, own)
    assert not files[HTTP].all("server_names_hash_bucket_size")


def test_nothing_is_wanted_without_sites_or_when_absent(rendered, local) -> None:
    for wanted in (plan([], []), {**local, "settings": {**local["settings"], "nginx_state": "absent"}}):
        made, files = rendered(wanted)
        assert (files, made.certificates, made.rows, made.names, made.ports) == ({}, [], [], [], [])


@pytest.mark.parametrize(
    "change",
    [
        {"path": "/a;b/"},
        {"path": '/a"b/'},
        {"path": "/$uri/"},
        {"path": "/a b/"},
        {"path": "/a{/"},
        {"upstream": "unix:/run/x.sock; include /etc/shadow"},
    ],
)
def test_values_cannot_become_directives(change: dict[str, str]) -> None:
    with pytest.raises(RenderError, match="cannot be"):
        render(plan([app("site", **change)], [site("example.com", ["site"])]), BOOKWORM)


def test_paths_with_letters_of_other_languages(rendered) -> None:
    _, files = rendered(plan([app("cafe", "/café/")], [site("example.com", ["cafe"])]))
    (server,) = files["gramex-site-example.com.conf"].servers("example.com", secure=True)
    assert headers(server.block("location", "/café/"))["X-Gramex-Root"] == "/café"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "nginx_certificates must say where"),
        ({"example.com": {"certificate": "a.pem"}}, "nginx_certificates must say where"),
        ({"example.com": {**FILES, "wher": "host"}}, "nginx_certificates must say where"),
        ({"example.com": {**FILES, "where": "moon"}}, "must be controller or host, not moon"),
        ({"example.com": {**FILES, "where": "host"}}, "needs its absolute path"),
    ],
)
def test_certificate_files_must_be_named(given: dict[str, Any], message: str) -> None:
    wanted = plan([app("site")], [site("example.com", ["site"], tls="files")], nginx_certificates=given)
    with pytest.raises(RenderError, match=message):
        render(wanted, BOOKWORM)


def test_certificate_files_of_the_host_are_used_where_they_are(rendered) -> None:
    given = {"example.com": {"certificate": "/etc/ssl/it/c.pem", "key": "/etc/ssl/it/k.pem", "where": "host"}}
    made, files = rendered(plan([app("site")], [site("example.com", ["site"], tls="files")], nginx_certificates=given))
    (server,) = files["gramex-site-example.com.conf"].servers("example.com", secure=True)
    assert server.value("ssl_certificate_key") == ["/etc/ssl/it/k.pem"]
    assert made.certificates[0].kind == "host"
