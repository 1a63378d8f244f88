# PoseFormer, 9 frames, MPI-INF-3DHP with true 2D joints: 88.6 % PCK, 56.4 % AUC, 77.1 mm (paper). No program is
# published: metres, and the rate of its README for true 2D joints.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/mpi_inf_3dhp.py',
    '../_base_/models/poseformer.py',
    '../_base_/protocols/poseformer.py',
]

metres = dict(type='RootRelativeLifting', skeleton='mpi_inf_3dhp17', skeleton_3d='mpi_inf_3dhp17', fps=25)
encode = dict(type='Encode', codec=metres)
codec = dict(_delete_=True, **metres)
model = dict(**_base_.sizes.poseformer_9, codec=metres, test_cfg={{_base_.model_test_cfg}})
train_dataloader = dict(
    batch_size=512,
    dataset=dict(
        window=dict(length=9, stride=1, outputs=1),
        mirrored_copies=True,
        pipeline=[encode, *_base_.train_pipeline[1:]],
    ),
)
val_dataloader = dict(dataset=dict(pipeline=[encode, *_base_.test_pipeline[1:]]))
test_dataloader = val_dataloader
val_evaluator = [dict(type='PoseMetric', protocol='mpi_inf_3dhp'), dict(type='PoseMetric')]
test_evaluator = val_evaluator
optim_wrapper = dict(optimizer=dict(lr=4e-4))
default_hooks = dict(checkpoint=dict(save_best='mpi_inf_3dhp/MPJPE'))
