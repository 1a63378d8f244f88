# P-STMO-S's stage I on MPI-INF-3DHP: 70 % of the frames removed and 2 joints of each replaced.
_base_ = './mpi_inf_3dhp_s_81.py'

work_dir = 'work_dirs/pstmo/pretrain_mpi_inf_3dhp_s_81'
load_from = pretrained_by = None
model = dict(
    _delete_=True,
    type='MaskedPosePretrainer',
    backbone={{_base_.model.backbone}},
    head=dict(type='MaskedPoseHead', depth=2),
    codec={{_base_.codec}},
)
train_dataloader = dict(
    dataset=dict(
        pipeline=[
            dict(type='Encode', codec={{_base_.codec}}),
            dict(type='FlipPose'),
            dict(type='FrameRemoval', rate=0.7),
            dict(type='JointReplacement', count=2),
            dict(type='PackPose', keys=['mask']),
        ]
    )
)
optim_wrapper = dict(optimizer=dict(lr=1e-4))
default_hooks = dict(checkpoint=dict(save_best=None))
val_cfg = val_dataloader = val_evaluator = None
test_cfg = test_dataloader = test_evaluator = None
variants = dict(_delete_=True, table2_full=dict(model=dict(backbone=dict(depth=4), head=dict(depth=3))))
