#!/usr/bin/env bash
# slurm_test.sh PARTITION JOB_NAME CONFIG CHECKPOINT [options of test.py]      (environment: `slurm` in launch.sh)
source "$(dirname "${BASH_SOURCE[0]}")/launch.sh"
need 4 $# 'PARTITION JOB_NAME CONFIG CHECKPOINT [options of test.py]'
slurm "$1" "$2" "$ROOT/tools/test.py" "$3" "$4" --launcher slurm "${@:5}"
