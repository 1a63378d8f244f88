#!/usr/bin/env bash
# Sets up an environment and runs the checks and all tests; arguments go to pytest.
# usage: bash tools/run_tests.sh [-m 'not slow'] [...]
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/setup_env.sh" tests
cd "$root"
ruff check .
ruff format --check .
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"  # the models are tiny: their threads would wait for each other
# two more than two cores: a quarter of the time waits for browsers, other processes and disks; -n 0: in this process
python -m pytest -q -n 4 --dist worksteal "$@"
