# VideoPose3D, small, 27 frames, on bodies of all builds: its row of projects/reproduce/README.md, with the steps of ten
# minutes of one core.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/cmu_bodies.py',
    '../_base_/models/videopose3d.py',
    '../_base_/schedules/small.py',
]

model = dict(
    backbone=dict(in_channels=6, embed_dims=256, filter_widths=[3, 3, 3], strided=True, drop_rate=0.1),
    codec={{_base_.codec}},
    test_cfg=dict(window=dict(length=27, stride=1), flip_test=True),
)
train_dataloader = dict(dataset=dict(window=dict(stride=3)))
# nothing is chosen on the validation subjects: the last weights count
val_cfg = val_dataloader = val_evaluator = None
default_hooks = dict(checkpoint=dict(save_best=None))
optim_wrapper = dict(optimizer=dict(lr=2e-3))
