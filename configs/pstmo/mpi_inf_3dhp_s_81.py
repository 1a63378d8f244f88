# P-STMO-S's stage II, 81 frames, MPI-INF-3DHP with true 2D joints: 97.9 % PCK, 75.8 % AUC, 32.2 mm MPJPE (paper,
# table 2).
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/mpi_inf_3dhp.py',
    '../_base_/models/pstmo.py',
    '../_base_/protocols/pstmo.py',
]

load_from = 'work_dirs/pstmo/pretrain_mpi_inf_3dhp_s_81/epoch_80.pth'
pretrained_by = 'configs/pstmo/pretrain_mpi_inf_3dhp_s_81.py'

total_batch_size = 160  # of all processes
model = dict(**_base_.sizes.pstmo_s_81, codec={{_base_.codec}}, test_cfg={{_base_.model_test_cfg}})
train_dataloader = dict(batch_size=160, dataset=dict(window=dict(length=81, stride=1, outputs=1), mirrored_copies=True))
optim_wrapper = dict(optimizer=dict(lr=7e-4))
val_evaluator = [dict(type='PoseMetric', protocol='mpi_inf_3dhp'), dict(type='PoseMetric')]
test_evaluator = val_evaluator
default_hooks = dict(checkpoint=dict(save_best='mpi_inf_3dhp/MPJPE'))

# the refined pose alone is learnt, as on Human3.6M; cameras, which the files lack, are fitted to them
filmed = dict(dataset=dict(fit_cameras=True))
labels = dict(type='PackPose', keys=['target', 'target_weight', 'lifting_target'])
refiner = dict(type='PoseRefiner', root=14, unit='mm')
variants = dict(
    scratch=dict(load_from=None, pretrained_by=None),
    table2_full=dict(
        load_from='work_dirs/pstmo/pretrain_mpi_inf_3dhp_s_81_table2_full/epoch_80.pth',
        pretrained_by='configs/pstmo/pretrain_mpi_inf_3dhp_s_81.py --variant table2_full',
        model=dict(backbone=dict(depth=4)),
    ),
    refined=dict(
        load_from='work_dirs/pstmo/mpi_inf_3dhp_s_81/epoch_80.pth',
        pretrained_by='configs/pstmo/mpi_inf_3dhp_s_81.py',
        model=dict(heads=dict(pose=dict(losses=[]), sequence=dict(losses=[]), refined=refiner)),
        train_dataloader=dict(
            dataset=dict(
                fit_cameras=True,
                pipeline=[dict(type='Encode', codec={{_base_.codec}}), dict(type='FlipPose'), labels],
            )
        ),
        val_dataloader=filmed,
        test_dataloader=filmed,
        find_unused_parameters=True,
    ),
)
