# Classes of motions made in memory: DSTformer, small, 27 frames, from what pretrain_cmu_27.py leaves.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/procedural_actions.py',
    '../_base_/models/dstformer_small.py',
    '../_base_/schedules/small.py',
]

load_from = 'work_dirs/motionbert/pretrain_cmu_27/epoch_18.pth'
pretrained_by = 'configs/motionbert/pretrain_cmu_27.py'
variants = dict(
    scratch=dict(load_from=None, pretrained_by=None),
    frozen=dict(frozen_modules=['backbone']),
)

model = dict(
    codec={{_base_.codec}}, heads=dict(_delete_=True, action=dict(type='ActionHead', num_classes=25, hidden_dims=256))
)
default_hooks = dict(checkpoint=dict(save_best='top1', rule='greater'))
