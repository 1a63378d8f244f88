# Human3.6M with bodies of SMPL, MotionBERT's file. The data: docs/datasets/mesh.md.
_base_ = './loaders.py'

codec = dict(
    type='RootRelativeLifting', skeleton='h36m17', skeleton_3d='h36m17', fps=50, confidence=True, keep_missing=True
)
data_root = '{{$POSELIFTER_DATA:data}}/mesh'

labels = dict(type='PackPose', keys=['smpl_pose', 'smpl_shape', 'smpl_weight', 'initial_pose', 'initial_shape'])
train_pipeline = [dict(type='Encode', codec=codec), dict(type='FlipPose'), labels]
test_pipeline = [dict(type='Encode', codec=codec), labels]

source = dict(type='MeshDataset', data_root=data_root, ann_file='mesh_det_h36m.pkl', source='h36m', min_frames=16)
train_dataloader = dict(
    batch_size=128,
    num_workers=4,
    dataset=dict(**source, split='train', window=dict(length=16, stride=8, tail='drop'), pipeline=train_pipeline),
)
val_dataloader = dict(
    batch_size=8,
    num_workers=2,
    dataset=dict(**source, split='test', test_mode=True, pipeline=test_pipeline),
)
test_dataloader = val_dataloader
