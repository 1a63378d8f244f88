# Human3.6M as VideoPose3D keeps it, CPN detections: S1, S5, S6, S7, S8 train, S9 and S11 test (docs/datasets/h36m.md).
# A config that inherits it says how training windows are cut, and takes a protocol of _base_/protocols.
_base_ = './loaders.py'

codec = dict(type='RootRelativeLifting', skeleton='h36m17', skeleton_3d='h36m17', fps=50)
data_root = '{{$POSELIFTER_DATA:data}}/h36m'

train_pipeline = [dict(type='Encode', codec=codec), dict(type='FlipPose'), dict(type='PackPose')]
test_pipeline = [
    dict(type='Encode', codec=codec),
    dict(type='PackPose', keys=['keypoints', 'lifting_target', 'lifting_target_visible', 'action']),
]

source = dict(
    type='Human36mDataset',
    data_root=data_root,
    ann_file='data_3d_h36m.npz',
    keypoint_file='data_2d_h36m_cpn_ft_h36m_dbb.npz',
)
train_dataloader = dict(
    batch_size=4,
    num_workers=2,
    dataset=dict(**source, subjects=['S1', 'S5', 'S6', 'S7', 'S8'], pipeline=train_pipeline),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=1,
    dataset=dict(**source, subjects=['S9', 'S11'], test_mode=True, pipeline=test_pipeline),
)
test_dataloader = val_dataloader
