# MixSTE, small, 27 frames, on motions made in memory: needs no data.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/procedural.py',
    '../_base_/models/mixste_small.py',
    '../_base_/schedules/small.py',
]

model = dict(codec={{_base_.codec}})
