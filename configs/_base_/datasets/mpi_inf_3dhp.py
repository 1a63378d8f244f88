# MPI-INF-3DHP as P-STMO keeps it, true 2D joints; the network's unit is the papers' (docs/datasets/mpi_inf_3dhp.md).
_base_ = './loaders.py'

codec = dict(type='RootRelativeLifting', skeleton='mpi_inf_3dhp17', skeleton_3d='mpi_inf_3dhp17', fps=25, unit='mm')
data_root = '{{$POSELIFTER_DATA:data}}/mpi_inf_3dhp'

train_pipeline = [dict(type='Encode', codec=codec), dict(type='FlipPose'), dict(type='PackPose')]
test_pipeline = [
    dict(type='Encode', codec=codec),
    dict(type='PackPose', keys=['keypoints', 'lifting_target', 'lifting_target_visible']),
]

source = dict(type='MPIINF3DHPDataset', data_root=data_root)
train_dataloader = dict(
    batch_size=160, num_workers=2, dataset=dict(**source, ann_file='data_train_3dhp.npz', pipeline=train_pipeline)
)
val_dataloader = dict(
    batch_size=1,
    num_workers=1,
    dataset=dict(**source, ann_file='data_test_3dhp.npz', test_mode=True, pipeline=test_pipeline),
)
test_dataloader = val_dataloader
