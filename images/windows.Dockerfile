# escape=`
# The runtime as a Windows container image. Build on a Windows host, from the repository's root:
#   docker build --file images/windows.Dockerfile --tag gramex .
#
# TAG is to be the host's version of Windows: an older one runs isolated by Hyper-V, a newer one not at all.
ARG TAG=ltsc2022

FROM mcr.microsoft.com/windows/servercore:${TAG} AS build
ARG PYTHON=3.12.10
ARG PYTHON_SHA256=67b5635e80ea51072b87941312d00ec8927c4db9ba18938f7ad2d27b328b95fb
SHELL ["powershell", "-NoLogo", "-NoProfile", "-Command", "$ErrorActionPreference = 'Stop'; $ProgressPreference = 'SilentlyContinue';"]
# What it installs into one folder runs from a copy of that folder, without the registry.
RUN Invoke-WebRequest -UseBasicParsing -OutFile C:\python.exe `
        -Uri ('https://www.python.org/ftp/python/{0}/python-{0}-amd64.exe' -f $Env:PYTHON); `
    if ((Get-FileHash -Algorithm SHA256 C:\python.exe).Hash -ne $Env:PYTHON_SHA256) { throw 'python.exe: another SHA-256' }; `
    $options = '/quiet', 'InstallAllUsers=1', 'TargetDir=C:\python', 'Include_launcher=0', 'Include_test=0', 'Include_tcltk=0', `
        'Include_doc=0', 'Shortcuts=0'; `
    $done = Start-Process C:\python.exe -ArgumentList $options -Wait -PassThru; `
    if ($done.ExitCode) { throw ('the installer of Python ends with {0}' -f $done.ExitCode) }; `
    Remove-Item C:\python.exe
WORKDIR C:\src
COPY locks/build.txt locks/runtime.txt locks/
# Everything by its hash. The tools that make our wheel stay in this stage.
RUN C:\python\python.exe -m pip install --no-cache-dir --no-warn-script-location --require-hashes -r locks\runtime.txt; `
    if ($LASTEXITCODE) { throw 'pip: the runtime''s packages' }; `
    C:\python\python.exe -m venv C:\tools; `
    C:\tools\Scripts\python.exe -m pip install --no-cache-dir --require-hashes -r locks\build.txt; `
    if ($LASTEXITCODE) { throw 'pip: the tools' }
COPY pyproject.toml LICENSE README.md ./
COPY runtime runtime
RUN C:\tools\Scripts\python.exe -m pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir C:\wheels .; `
    if ($LASTEXITCODE) { throw 'pip: the wheel' }; `
    C:\python\python.exe -m pip install --no-cache-dir --no-deps --no-warn-script-location (Get-ChildItem C:\wheels\*.whl).FullName; `
    if ($LASTEXITCODE) { throw 'pip: the runtime' }; `
    C:\python\python.exe -m pip uninstall --yes pip; `
    C:\python\python.exe -m compileall -q C:\python\Lib

FROM mcr.microsoft.com/windows/servercore:${TAG}
COPY --from=build C:\python C:\python
SHELL ["cmd", "/S", "/C"]
# ContainerUser is no administrator. It may write to C:\data alone.
RUN mkdir C:\app C:\data && icacls C:\data /grant "ContainerUser:(OI)(CI)M"
ENV GRAMEXDATA=C:\data PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# Windows has no numeric users.
# hadolint ignore=DL3066
USER ContainerUser
# An app from `-v DIR:C:\app`, or from a child image: FROM gramex, COPY . C:\app
WORKDIR C:\app
VOLUME ["C:\\data"]
EXPOSE 9988
# Asks the port of the app's gramex.yaml, 9988 if it names none.
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s --retries=3 `
    CMD ["C:\\python\\python.exe", "-m", "gramex", "health", "--timeout=8"]
ENTRYPOINT ["C:\\python\\python.exe", "-m", "gramex"]
