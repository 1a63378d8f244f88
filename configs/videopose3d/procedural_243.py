# VideoPose3D as published, 243 frames, on motions made in memory.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/procedural_xy.py',
    '../_base_/models/videopose3d.py',
    '../_base_/schedules/small.py',
]

model = dict(codec={{_base_.codec}})
train_dataloader = dict(dataset=dict(window=dict(length=243, stride=27, tail='shift')))
