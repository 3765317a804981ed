#!/bin/sh
# Installs Geophone into a folder, as it is in the image: what the Dockerfile does, and what the tests
# run where no container engine is.
#
#   deploy/docker/install.sh FOLDER [PYTHON]
#
# FOLDER is where it will be used, and must not exist; it is made by root and only read afterwards.
# PYTHON (python3) is the interpreter. setcap has to be there (Debian: libcap2-bin).
set -eu

# The group of the one user that may run the interpreter that can open packet sockets.
GROUP=65532

[ $# -ge 1 ] || { echo "usage: $0 FOLDER [PYTHON]" >&2; exit 2; }
folder=$1
python=${2:-python3}
sources=$(cd "$(dirname "$0")/../.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

[ ! -e "$folder" ] || { echo "$0: $folder exists" >&2; exit 2; }
umask 022

pip() {
    "$python" -m pip --disable-pip-version-check --quiet --quiet "$@"
}

# Only what has the locked hash gets into the scratch folder, and only from there is installed. The lock
# also has what builds Geophone; that isn't installed.
pip download --require-hashes --only-binary :all: --dest "$scratch/wheels" \
    --requirement "$sources/requirements.lock"
"$python" -m venv --without-pip "$scratch/build"
pip --python "$scratch/build/bin/python" install --no-index --find-links "$scratch/wheels" hatchling
(cd "$sources" && "$scratch/build/bin/python" -m hatchling build --target wheel --directory "$scratch/own")

# pip also compiles to byte code, which the read-only image couldn't do any more.
"$python" -m venv --without-pip "$folder"
pip --python "$folder/bin/python" install --no-index --find-links "$scratch/wheels" \
    "$scratch"/own/geophone-*.whl
install -m 0755 "$sources/deploy/docker/healthcheck.py" "$folder/bin/healthcheck"

# A copy, and not the interpreter: what has this capability, only capture runs. Where the container has no
# NET_RAW, it can't be started at all.
capture=$folder/bin/python-capture
install -m 0750 -o root -g "$GROUP" "$(readlink -f "$folder/bin/python")" "$capture"
setcap cap_net_raw+ep "$capture"
