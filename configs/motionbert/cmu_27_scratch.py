# DSTformer, small, 27 frames, on CMU motion capture, from scratch.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/cmu.py',
    '../_base_/models/dstformer_small.py',
    '../_base_/schedules/small.py',
]

model = dict(codec={{_base_.codec}})
