# As pretrain_h36m_243.py, on MPI-INF-3DHP with true 2D, 81 frames; batch, rate and epochs are those of Human3.6M, since
# none are published.
_base_ = './mpi_inf_3dhp_81.py'

work_dir = 'work_dirs/motion2vec/pretrain_mpi_inf_3dhp_81'
load_from = pretrained_by = None
variants = dict(_delete_=True, skeleton=dict(model=dict(backbone=dict(edges='mpi_inf_3dhp17'))))
model = dict(
    _delete_=True,
    type='ContextPretrainer',
    backbone={{_base_.model.backbone}},
    codec={{_base_.codec}},
)
train_dataloader = dict(
    batch_size=4,
    dataset=dict(
        pipeline=[
            dict(type='Encode', codec={{_base_.codec}}),
            dict(type='FlipPose'),
            dict(type='FrameRemoval', rate=0.7, copies=3),
            dict(type='PackPose', keys=['masks']),
        ],
    ),
)
train_cfg = dict(max_epochs=60)
optim_wrapper = dict(optimizer=dict(_delete_=True, type='AdamW', lr=5e-4, weight_decay=0.01))
auto_scale_lr = dict(base_batch_size=4)
default_hooks = dict(checkpoint=dict(save_best=None))
val_cfg = val_dataloader = val_evaluator = None
test_cfg = test_dataloader = test_evaluator = None
