# P-STMO, small, 27 frames, on bodies of all builds, from what the variant `pretrain` leaves: its row of
# projects/reproduce/README.md, where both have the steps of ten minutes of one core together.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/cmu_bodies.py',
    '../_base_/models/pstmo.py',
    '../_base_/schedules/small.py',
]

work_dir = 'work_dirs/pstmo/bodies_27'
load_from = 'work_dirs/pstmo/bodies_27_pretrain/epoch_18.pth'
pretrained_by = 'configs/pstmo/bodies_27.py --variant pretrain'
small = dict(_base_.sizes.pstmo_small)
small['backbone'] = dict(small['backbone'], depth=2)
model = dict(**small, codec={{_base_.codec}})
train_dataloader = dict(dataset=dict(window=dict(stride=13)))
# nothing is chosen on the validation subjects: the last weights count
val_cfg = val_dataloader = val_evaluator = None
default_hooks = dict(checkpoint=dict(save_best=None))
optim_wrapper = dict(optimizer=dict(lr=2e-3))

*filmed, flip, pack = _base_.train_pipeline
# 40 % of the frames, not 80: of 27 that leaves 17 (docs/user_guides/pretraining.md)
masks = [dict(type='FrameRemoval', rate=0.4), dict(type='JointReplacement', count=2)]
variants = dict(
    scratch=dict(load_from=None, pretrained_by=None),
    pretrain=dict(
        model=dict(
            _delete_=True,
            type='MaskedPosePretrainer',
            backbone={**_base_.model.backbone, **small['backbone']},
            head=dict(type='MaskedPoseHead', depth=2, feedforward_dims=256),
            codec={{_base_.codec}},
        ),
        load_from=None,
        pretrained_by=None,
        train_dataloader=dict(
            dataset=dict(window=dict(stride=26), pipeline=[*filmed, flip, *masks, dict(type='PackPose', keys=['mask'])])
        ),
    ),
)
