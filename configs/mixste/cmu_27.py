# MixSTE, small, 27 frames, on CMU motion capture: trains in about an hour on two CPU cores.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/cmu.py',
    '../_base_/models/mixste_small.py',
    '../_base_/schedules/small.py',
]

model = dict(codec={{_base_.codec}})
