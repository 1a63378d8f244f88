#!/usr/bin/env bash
# slurm_train.sh PARTITION JOB_NAME CONFIG WORK_DIR [options of train.py]      (environment: `slurm` in launch.sh)
source "$(dirname "${BASH_SOURCE[0]}")/launch.sh"
need 4 $# 'PARTITION JOB_NAME CONFIG WORK_DIR [options of train.py]'
slurm "$1" "$2" "$ROOT/tools/train.py" "$3" --work-dir "$4" --launcher slurm "${@:5}"
