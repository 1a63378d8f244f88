#!/usr/bin/env bash
# Trains the network of the default model on its data on one GPU within 8 minutes, without the default's last phase; in two
# steps, where data have to be carried to the machine. It ran on CPUs only so far:
#
#     projects/zoo/train_on_gpu.sh pack             # here: $POSELIFTER_DATA/cmu -> out/zoo_pack, 43 MB, ignored by git
#     projects/zoo/train_on_gpu.sh train [OPTIONS]  # there: leaves work_dirs/bodies_27_gpu; the same command goes on
#
# OPTIONS go to tools/train.py. LIMIT is the time for training in seconds, WORKERS the number of loading processes.
set -euo pipefail
cd "$(dirname "$0")/../.."
pack=out/zoo_pack
case "${1:-}" in
pack)
    mkdir -p "$pack/cmu"
    cp "${POSELIFTER_DATA:-data}"/cmu/{cmu,full}_{train,val,test}.npz "${POSELIFTER_DATA:-data}/cmu/index.json" "$pack/cmu/"
    ;;
train)
    shift
    if [ -d "$pack/cmu" ]; then export POSELIFTER_DATA="$pack"; fi
    grown=work_dirs/bodies_27/grown.pth
    if [ ! -f "$grown" ]; then
        mkdir -p "$(dirname "$grown")"
        python projects/zoo/grow.py zoo/mixste_cmu_27-*.safetensors "$grown"
    fi
    status=0
    timeout --signal=INT "${LIMIT:-430}" python tools/train.py configs/mixste/bodies_27.py --variant gpu \
        --work-dir work_dirs/bodies_27_gpu --resume "$@" || status=$?
    if [ "$status" != 0 ] && [ "$status" != 124 ] && [ "$status" != 130 ]; then exit "$status"; fi
    ;;
*)
    sed -n '2,8s/^# \{0,1\}//p' "$0"
    exit 2
    ;;
esac
