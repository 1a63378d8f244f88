#!/usr/bin/env bash
# Looks for known holes in what poselifter is built on: packages as they are pinned (pip-audit), programs of its pages (npm audit).
# usage: bash tools/audit.sh [pypi|osv]      (database of the packages; needs a network, npm, and: pip install pip-audit)
# Ends with 0 only if every package was found in the database and has no hole that requirements/audit.txt does not explain.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../requirements" || exit 2
ignored=() status=0
while read -r id _; do ignored+=(--ignore-vuln "$id"); done < <(grep -v '^#' audit.txt)
# --strict: a package that cannot be looked up is no clean one
pip-audit --strict --vulnerability-service "${1:-pypi}" --requirement constraints.txt --no-deps --disable-pip \
    "${ignored[@]+"${ignored[@]}"}" || { status=1; echo 'error: packages of Python: holes, or not looked up; see above' >&2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp browser.json "$folder/package.json"
(cd "$folder" && npm install --silent --package-lock-only --ignore-scripts && npm audit) ||
    { status=1; echo 'error: programs of the pages: holes, or not looked up; see above' >&2; }
exit "$status"
