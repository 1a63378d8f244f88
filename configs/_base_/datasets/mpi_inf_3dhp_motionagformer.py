# MPI-INF-3DHP in MotionAGFormer's network space: true 2D, millimetres scaled as pixels are; clips every 9 frames.
# The data: docs/datasets/mpi_inf_3dhp.md. With another number of frames, change window.
_base_ = './loaders.py'

codec = dict(type='ScreenScaledLifting', skeleton='mpi_inf_3dhp17', skeleton_3d='mpi_inf_3dhp17', fps=25, width=2048)
data_root = '{{$POSELIFTER_DATA:data}}/mpi_inf_3dhp'

train_pipeline = [dict(type='Encode', codec=codec), dict(type='FlipPose'), dict(type='PackPose')]
test_pipeline = [
    dict(type='Encode', codec=codec),
    dict(type='PackPose', keys=['keypoints', 'lifting_target', 'lifting_target_visible']),
]

train_dataloader = dict(
    batch_size=16,
    num_workers=4,
    dataset=dict(
        type='MPIINF3DHPDataset',
        data_root=data_root,
        ann_file='data_train_3dhp.npz',
        window=dict(length=81, stride=9, tail='shift'),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=2,
    dataset=dict(
        type='MPIINF3DHPDataset',
        data_root=data_root,
        ann_file='data_test_3dhp.npz',
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
val_evaluator = [dict(type='PoseMetric', protocol='mpi_inf_3dhp'), dict(type='PoseMetric')]
test_evaluator = val_evaluator
