#!/bin/sh
# Write the lock files: versions and hashes for every Python that pyproject.toml names. Versions that
# still fit stay as they are, so a second run changes nothing; `requirements/lock.sh --upgrade` takes
# the newest ones.
set -eu
cd "$(dirname "$0")/.."
compile() {
    uv pip compile --universal --generate-hashes --python-version 3.11 --no-emit-index-url \
        --no-emit-find-links --no-header --no-annotate --no-strip-extras --no-config --quiet \
        --only-binary :all: "$@"
}
compile pyproject.toml -o requirements/runtime.txt "$@"
compile --group build -c requirements/runtime.txt -o requirements/build.txt "$@"
compile pyproject.toml --group test --group check -c requirements/runtime.txt \
    -c requirements/build.txt -o requirements/develop.txt "$@"
compile pyproject.toml --group bench -c requirements/develop.txt -o requirements/bench.txt "$@"
compile --group lab -o requirements/lab.txt "$@"
