# Sourced by quickstart.sh and run_tests.sh: a virtual environment with poselifter in it.
# usage: source tools/setup_env.sh [EXTRA]      (.venv, or the folder in POSELIFTER_VENV)

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
venv="${POSELIFTER_VENV:-$root/.venv}"
extra="${1:-}"
stamp="$venv/.poselifter${extra:+-$extra}"

if [ ! -x "$venv/bin/python" ]; then
    echo "setting up $venv"
    "${PYTHON:-python3}" -m venv "$venv"
fi
if [ ! -f "$stamp" ] || [ -n "$(find "$root/setup.py" "$root/requirements" -newer "$stamp")" ]; then
    install() { "$venv/bin/python" -m pip install --quiet --no-compile "$@"; } # what is imported is compiled then
    pinned() { install --constraint "$root/requirements/constraints.txt" "$@"; }
    # torch first and by its exact version, so that no other build is pulled in
    install "$(grep '^torch==' "$root/requirements/constraints.txt")"
    pinned --editable "$root${extra:+[$extra]}"
    if [ "$extra" = tests ]; then
        # its wheel is built against numpy 1; without a compiler pycocotools serves instead
        pinned cython setuptools wheel
        pinned --no-build-isolation --no-deps --no-binary xtcocotools xtcocotools ||
            echo 'xtcocotools did not build; pycocotools serves instead'
        pinned --no-deps rtmlib # it asks for a second package of OpenCV, which would overwrite the first
    fi
    touch "$stamp"
fi
export PATH="$venv/bin:$PATH"
unset PYTHONDONTWRITEBYTECODE # else each process compiles all that it imports, which takes longer than all else at its start

# a checkout with shared data beside it trains and tests on that data
if [ -d "$root/../shared/data/cmu" ] && [ ! -e "$root/data/cmu" ]; then
    mkdir -p "$root/data"
    ln -s "$(cd "$root/../shared/data/cmu" && pwd)" "$root/data/cmu"
fi
