#!/usr/bin/env bash
# Sets up an environment and runs the checks and all tests; arguments go to pytest.
# usage: bash tools/run_tests.sh [-m 'not slow'] [...]
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/setup_env.sh" tests
cd "$root"
ruff check .
ruff format --check .
python -m pytest -q "$@"
