#!/usr/bin/env bash
# dist_test.sh CONFIG CHECKPOINT GPUS [options of test.py]      (what it does and reads: `distributed` in launch.sh)
source "$(dirname "${BASH_SOURCE[0]}")/launch.sh"
need 3 $# 'CONFIG CHECKPOINT GPUS [options of test.py]'
distributed "$3" "$ROOT/tools/test.py" "$1" "$2" --launcher pytorch "${@:4}"
