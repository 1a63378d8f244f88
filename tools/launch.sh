# shellcheck shell=bash
# Sourced by dist_*.sh and slurm_*.sh; PYTHON is the interpreter.
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
PYTHON=${PYTHON:-python}
export PYTHONPATH="$ROOT${PYTHONPATH:+:$PYTHONPATH}"

# need COUNT GIVEN 'WORDS': ends the script where arguments are missing
need() {
    [ "$2" -ge "$1" ] || { echo "error: usage: $0 $3" >&2; exit 2; }
}

# distributed GPUS PROGRAM...: GPUS processes on this machine; processes on the CPU where there is no GPU.
# Environment: NNODES NODE_RANK MASTER_ADDR PORT as in OpenMMLab; MAX_RESTARTS (0): how often all processes start again
# after one is lost, with train.py --resume where they were.
distributed() {
    local gpus=$1 threads nodes=${NNODES:-1} place=${MASTER_ADDR:-127.0.0.1} port=${PORT:-29500} host=0
    local meet=(--node_rank="${NODE_RANK:-0}" --master_addr="$place" --master_port="$port")
    shift
    if [ -z "${OMP_NUM_THREADS:-}" ] && ! nvidia-smi -L >/dev/null 2>&1; then
        threads=$(($(nproc) / gpus))
        export OMP_NUM_THREADS=$((threads > 0 ? threads : 1))
        export MKL_NUM_THREADS=$OMP_NUM_THREADS
    fi
    if [ "$nodes" != 1 ] || [ "${MAX_RESTARTS:-0}" -gt 0 ]; then
        # machines meet at a point that the first one keeps, and meet there again when one has lost a process
        [ "${NODE_RANK:-0}" -ne 0 ] || host=1
        meet=(--rdzv_backend=c10d --rdzv_endpoint="$place:$port" --rdzv_id="$port"
            --rdzv_conf="is_host=$host,read_timeout=300" --max_restarts="${MAX_RESTARTS:-0}")
        export TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1 # else a machine that comes back waits for ever for the others' address
    fi
    exec "$PYTHON" -m torch.distributed.run --nnodes="$nodes" --nproc_per_node="$gpus" "${meet[@]}" "$@"
}

# slurm PARTITION JOB_NAME PROGRAM...
# Environment: GPUS (8) GPUS_PER_NODE (8, at most GPUS) CPUS_PER_TASK (5) SRUN_ARGS.
# GPUS_PER_NODE=0 asks for no GPU: GPUS processes on CPUs.
slurm() {
    local partition=$1 job=$2 gpus=${GPUS:-8} node=(--cpus-per-task="${CPUS_PER_TASK:-5}")
    local per_node=${GPUS_PER_NODE:-$((gpus < 8 ? gpus : 8))}
    shift 2
    [ "$per_node" -eq 0 ] || node+=(--gres="gpu:$per_node" --ntasks-per-node="$per_node")
    # SRUN_ARGS is a list of words
    # shellcheck disable=SC2086
    exec srun -p "$partition" --job-name="$job" --ntasks="$gpus" "${node[@]}" --kill-on-bad-exit=1 ${SRUN_ARGS:-} \
        "$PYTHON" -u "$@"
}
