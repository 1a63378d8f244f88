#!/usr/bin/env bash
# dist_train.sh CONFIG GPUS [options of train.py]      (what it does and reads: `distributed` in launch.sh)
source "$(dirname "${BASH_SOURCE[0]}")/launch.sh"
need 2 $# 'CONFIG GPUS [options of train.py]'
distributed "$2" "$ROOT/tools/train.py" "$1" --launcher pytorch "${@:3}"
