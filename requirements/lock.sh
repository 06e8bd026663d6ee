#!/bin/sh
# Write the lock files anew: versions and hashes, good for every Python that pyproject.toml names.
set -eu
cd "$(dirname "$0")/.."
compile() {
    uv pip compile --universal --generate-hashes --python-version 3.11 --no-emit-index-url \
        --no-emit-find-links --no-header --no-annotate --quiet pyproject.toml "$@"
}
compile -o requirements/runtime.txt
compile --group test --group check -c requirements/runtime.txt -o requirements/develop.txt
compile --group bench -c requirements/develop.txt -o requirements/bench.txt
