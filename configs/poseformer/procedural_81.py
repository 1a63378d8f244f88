# PoseFormer as published, 81 frames, on motions made in memory.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/procedural_xy.py',
    '../_base_/models/poseformer.py',
    '../_base_/schedules/small.py',
]

model = dict(codec={{_base_.codec}})
train_dataloader = dict(dataset=dict(window=dict(length=81, stride=27, tail='shift')))
