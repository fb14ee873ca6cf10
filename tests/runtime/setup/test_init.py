"""`gramex init`: the app that it writes is fit, and nothing is overwritten."""


def test_the_new_app_is_fit_and_runs(run, serve, tmp_path):
    folder = tmp_path / "new app"
    done = run("init", str(folder))
    assert done.returncode == 0, done.stderr
    assert run("check", "--config", folder=folder).returncode == 0
    app = serve(folder=folder)
    assert app.get("/").status == 200
    assert app.get("/hello?name=%C3%A4").text == "Hello ä"
    assert app.get("/hello").headers["Content-Type"] == "text/plain; charset=UTF-8"
    assert app.get("/.gitignore").status == 403
    assert "\nW " not in app.log


def test_files_that_exist_are_kept(run, tmp_path):
    (tmp_path / "gramex.yaml").write_text("url: {}\n")
    done = run("init")
    assert done.returncode == 0
    assert "gramex.yaml: exists, and is kept" in done.stdout
    assert (tmp_path / "gramex.yaml").read_text() == "url: {}\n"
    assert (tmp_path / "index.html").exists()


def test_a_place_that_cannot_be_written(run, tmp_path):
    (tmp_path / "file").touch()
    done = run("init", "file")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
