# MixSTE, 27 frames, MPI-INF-3DHP with true 2D joints: 94.4 % PCK, 66.5 % AUC, 54.9 mm (paper, table 3). No program is
# published; its page names MMPose's preparation: annot3, people as tall as they are, and valid test frames only.
# Metres, since its losses are not all of one degree.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/mpi_inf_3dhp.py',
    '../_base_/models/mixste.py',
    '../_base_/protocols/mixste.py',
]

metres = dict(type='RootRelativeLifting', skeleton='mpi_inf_3dhp17', skeleton_3d='mpi_inf_3dhp17', fps=25)
encode = dict(type='Encode', codec=metres)
codec = dict(_delete_=True, **metres)
variants = dict(
    # univ_annot3 with all test frames as context, the files of P-STMO: to compare with P-STMO, MotionAGFormer and
    # Motion2vec, whose figures are of these
    universal=dict(
        train_dataloader=dict(dataset=dict(ann_file='data_train_3dhp.npz')),
        val_dataloader=dict(dataset=dict(ann_file='data_test_3dhp.npz', valid_only=False)),
        test_dataloader=dict(dataset=dict(ann_file='data_test_3dhp.npz', valid_only=False)),
    )
)
model = dict(
    backbone=dict(num_frames=27),
    codec=metres,
    test_cfg={{_base_.model_test_cfg}},
    heads=dict(
        pose=dict(
            losses=[
                dict(type='WeightedMPJPELoss', skeleton='mpi_inf_3dhp17'),
                dict(type='TemporalConsistencyLoss', skeleton='mpi_inf_3dhp17', loss_weight=0.5),
                dict(type='VelocityLoss', loss_weight=2.0),
            ]
        )
    ),
)
train_dataloader = dict(
    batch_size=37,
    dataset=dict(
        ann_file='annotated/data_train_3dhp.npz',
        window=dict(length=27, tail='centre'),
        mirrored_copies=True,
        pipeline=[encode, *_base_.train_pipeline[1:]],
    ),
)
val_dataloader = dict(
    dataset=dict(ann_file='annotated/data_test_3dhp.npz', valid_only=True, pipeline=[encode, *_base_.test_pipeline[1:]])
)
test_dataloader = val_dataloader
val_evaluator = [dict(type='PoseMetric', protocol='mpi_inf_3dhp'), dict(type='PoseMetric')]
test_evaluator = val_evaluator
default_hooks = dict(checkpoint=dict(save_best='mpi_inf_3dhp/MPJPE'))
auto_scale_lr = dict(base_batch_size=37)
