#!/usr/bin/env bash
# Sets up an environment and lifts the clip that ships with the project: 2D keypoints to 3D motion and a moving body.
# usage: bash tools/quickstart.sh [OUTPUT_FOLDER]
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/setup_env.sh" video
out="${1:-$root/out}"
python "$root/demo/lift_demo.py" --out-dir "$out" --body
