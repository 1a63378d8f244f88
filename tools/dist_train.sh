#!/usr/bin/env bash
# dist_train.sh CONFIG GPUS [options of train.py]
# Starts GPUS processes on this machine; processes on the CPU where there is no GPU.
# Environment: NNODES NODE_RANK MASTER_ADDR PORT as in OpenMMLab; PYTHON is the interpreter.
set -euo pipefail
[ $# -ge 2 ] || { echo "error: usage: $0 CONFIG GPUS [options of train.py]" >&2; exit 2; }
CONFIG=$1 GPUS=$2
shift 2
ROOT=$(cd "$(dirname "$0")/.." && pwd)
if [ -z "${OMP_NUM_THREADS:-}" ] && ! nvidia-smi -L >/dev/null 2>&1; then
    THREADS=$(($(nproc) / GPUS))
    export OMP_NUM_THREADS=$((THREADS > 0 ? THREADS : 1))
    export MKL_NUM_THREADS=$OMP_NUM_THREADS
fi
export PYTHONPATH="$ROOT${PYTHONPATH:+:$PYTHONPATH}"
exec "${PYTHON:-python}" -m torch.distributed.run \
    --nnodes="${NNODES:-1}" \
    --node_rank="${NODE_RANK:-0}" \
    --master_addr="${MASTER_ADDR:-127.0.0.1}" \
    --master_port="${PORT:-29500}" \
    --nproc_per_node="$GPUS" \
    "$ROOT/tools/train.py" "$CONFIG" --launcher pytorch "$@"
