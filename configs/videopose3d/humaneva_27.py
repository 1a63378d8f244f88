# VideoPose3D, 27 frames, HumanEva with Mask R-CNN detections, three actions: 33.0 mm (paper).
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/humaneva.py',
    '../_base_/models/videopose3d.py',
    '../_base_/protocols/videopose3d.py',
]

model = dict(
    backbone=dict(filter_widths=[3, 3, 3], strided=True),
    heads=dict(pose=dict(num_joints=15)),
    codec={{_base_.codec}},
    test_cfg=dict(window=dict(length=27 + 255, tail='pad'), zero_root=False, flip_test=True),
)
train_dataloader = dict(batch_size=128, dataset=dict(window=dict(length=27, stride=1, outputs=1), mirrored_copies=True))
train_cfg = dict(max_epochs=1000)
param_scheduler = dict(gamma=0.996)
# its paper's average is of boxing too, so its protocol is not that of MixSTE's and PoseFormer's tables
average = dict(type='PoseMetric', protocol='videopose3d', group_by=['action_name+subject'], prefix='humaneva')
val_evaluator = [average, dict(type='PoseMetric')]
test_evaluator = val_evaluator
default_hooks = dict(checkpoint=dict(save_best='humaneva/MPJPE'))
auto_scale_lr = dict(base_batch_size=128)
