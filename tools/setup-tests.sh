#!/bin/sh
# What only the tests need: PostgreSQL's programs. They start a server of their own in a temporary folder; where the
# programs are missing, those tests are skipped. The demo needs none of it.
set -eu
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 && exit 0
command -v initdb >/dev/null 2>&1 && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "setup: installing postgresql, for its tests only"
    # no server of the system's own: Debian's package would make one and start it
    mkdir -p /etc/postgresql-common
    [ -e /etc/postgresql-common/createcluster.conf ] ||
        echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
    if apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq postgresql >/dev/null; then
        exit 0
    fi
fi
echo "setup: the tests of PostgreSQL are skipped; for them:  sudo apt-get install postgresql"
