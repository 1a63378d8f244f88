# P-STMO's stage I: 60 % of the frames removed and 3 joints of each replaced, the 2D clip reconstructed. As
# released, the masks would be one for a batch and never on the last joint: model.share_mask=True, released=True of
# JointReplacement.
_base_ = './h36m_243.py'

work_dir = 'work_dirs/pstmo/pretrain_h36m_243'
load_from = pretrained_by = None
model = dict(
    _delete_=True,
    type='MaskedPosePretrainer',
    backbone={{_base_.model.backbone}},
    head=dict(type='MaskedPoseHead', depth=3),
    codec={{_base_.codec}},
)
train_dataloader = dict(
    dataset=dict(
        pipeline=[
            dict(type='Encode', codec={{_base_.codec}}),
            dict(type='FlipPose'),
            dict(type='FrameRemoval', rate=0.6),
            dict(type='JointReplacement', count=3),
            dict(type='PackPose', keys=['mask']),
        ]
    )
)
optim_wrapper = dict(optimizer=dict(lr=1e-4))
default_hooks = dict(checkpoint=dict(save_best=None))
val_cfg = val_dataloader = val_evaluator = None
test_cfg = test_dataloader = test_evaluator = None

backbones = {f'table7_l{depth}': dict(depth=depth) for depth in (2, 3, 5)}
backbones.update({f'table7_d{width}': dict(embed_dims=width) for width in (64, 128, 512)})
variants = dict(
    _delete_=True,
    **{f'table7_ld{depth}': dict(model=dict(head=dict(depth=depth))) for depth in (2, 4, 5)},
    **{name: dict(model=dict(backbone=backbone)) for name, backbone in backbones.items()},
)
