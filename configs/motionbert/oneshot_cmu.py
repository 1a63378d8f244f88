# One-shot recognition of actions in CMU motion capture: DSTformer, small, 27 frames, from what pretrain_cmu_27.py
# leaves.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/cmu_oneshot.py',
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
    codec={{_base_.codec}}, heads=dict(_delete_=True, embedding=dict(type='ActionEmbeddingHead', hidden_dims=128))
)
default_hooks = dict(checkpoint=dict(save_best=None))
val_cfg = None  # nothing to validate on
