# Classes of actions in CMU motion capture: DSTformer, small, 27 frames, from what pretrain_cmu_27.py leaves.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/cmu_actions.py',
    '../_base_/models/dstformer_small.py',
    '../_base_/schedules/small.py',
]

load_from = 'work_dirs/motionbert/pretrain_cmu_27/epoch_18.pth'
pretrained_by = 'configs/motionbert/pretrain_cmu_27.py'
variants = dict(
    scratch=dict(load_from=None, pretrained_by=None),
    frozen=dict(frozen_modules=['backbone']),
    # the model of the zoo, from one of it
    bodies=dict(
        load_from='zoo/motionbert_bodies_27-c3f32463_20261129.safetensors',
        pretrained_by=None,
        model=dict(backbone=dict(embed_dims=40, depth=2, num_heads=4)),
    ),
)

model = dict(
    codec={{_base_.codec}}, heads=dict(_delete_=True, action=dict(type='ActionHead', num_classes=6, hidden_dims=256))
)
default_hooks = dict(checkpoint=dict(save_best=None))
val_cfg = None  # nothing to validate on
