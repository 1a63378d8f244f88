#!/usr/bin/env bash
# Before a commit: sets up .venv, checks style, runs the tests that the change touches for a minute at most, builds the documentation.
# usage: bash tools/check.sh [BRANCH]      (what changed since BRANCH, default main; CI runs all tests)
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/setup_env.sh" tests
cd "$root"
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"

ruff check .
ruff format --check .

base=$(git merge-base HEAD "${1:-main}" 2>/dev/null || git rev-parse HEAD)
changed=$({ git diff --name-only --diff-filter=d "$base"; git ls-files --others --exclude-standard; } | sort -u)
tests=(tests/test_architecture.py)
for path in $changed; do
    case $path in
    tests/*/test_*.py) tests+=("$path") ;;
    poselifter/* | tools/*) # tests that name the module, or are named after it; then those of its room
        name=$(basename "${path%.*}") room=$(cut -d / -f 2 <<<"$path")
        while read -r test; do tests+=("$test"); done < <(
            git grep -lw "$name" -- 'tests/*/test_*.py' || true
            git ls-files "tests/*/test_$name.py" "tests/test_$room/test_*.py"
        ) ;;
    configs/*) tests+=(tests/test_tools/test_recipes.py tests/test_docs/test_model_cards.py tests/test_docs/test_choices.py) ;;
    zoo/*) tests+=(tests/test_docs/test_model_cards.py tests/test_apis/test_zoo.py) ;;
    requirements/* | setup.py | pyproject.toml) tests+=(tests/test_package/test_supply.py tests/test_package/test_install.py) ;;
    projects/*) while read -r test; do tests+=("$test"); done < <(git ls-files 'tests/test_projects/test_*.py') ;;
    *.md | docs/*) while read -r test; do tests+=("$test"); done < <(git ls-files 'tests/test_docs/test_*.py') ;;
    esac
done
mapfile -t tests < <(printf '%s\n' "${tests[@]}" | awk '!seen[$0]++')
echo "${#tests[@]} files of tests"
status=0
timeout 60 python -m pytest -q -x -n 2 -m 'not slow' "${tests[@]}" || status=$?
case $status in
0) ;;
124) echo 'the minute is over and nothing failed so far; CI runs the rest' ;;
*) exit "$status" ;;
esac

sphinx-build -q -W --keep-going docs docs/_build
echo 'all is well; the documentation is in docs/_build/index.html'
