#!/bin/sh
# Makes the virtual environment in $1, and installs the system packages that are missing, where that is allowed.
set -eu
venv=$1
python=${PYTHON:-python3}

missing=""
command -v bwrap >/dev/null 2>&1 || missing="$missing bubblewrap"
command -v ssh-keygen >/dev/null 2>&1 || missing="$missing openssh-client"
command -v git >/dev/null 2>&1 || missing="$missing git"
python_finds() { "$python" -c "import ctypes.util, sys; sys.exit(ctypes.util.find_library('$1') is None)" 2>/dev/null; }
python_finds seccomp || ls /usr/lib/*/libseccomp.so.2 >/dev/null 2>&1 || missing="$missing libseccomp2"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || missing="$missing python3 python3-venv"
"$python" -c 'import ensurepip' 2>/dev/null || missing="$missing python3-venv"
if [ -n "$missing" ]; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        echo "setup: installing$missing"
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $missing >/dev/null
    else
        echo "setup: these system packages are missing; type this, then try again:"
        echo "    sudo apt-get install -y$missing"
        exit 1
    fi
fi

echo "setup: virtual environment in $venv (about a minute)"
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --prefer-binary -c constraints.txt -e '.[dev]'
touch "$venv/ready"
