# ActionPose, lifting only, as in its paper, 243 frames, on motions made in memory.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/procedural_xyc.py',
    '../_base_/models/motionbert.py',
    '../_base_/schedules/small.py',
]

model = dict(**_base_.sizes.actionpose, codec={{_base_.codec}})
train_dataloader = dict(dataset=dict(window=dict(length=243, stride=243, tail='shift')))
