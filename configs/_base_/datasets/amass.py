# AMASS seen by virtual cameras and a simulated detector; data/amass is made by tools/dataset_converters/amass.py.
_base_ = './procedural.py'

codec = dict(fps=60)
data_root = '{{$POSELIFTER_DATA:data}}/amass'

film = [dict(type='VirtualCamera'), dict(type='DetectedJoints'), dict(type='KeypointNoise')]
encode = dict(
    type='Encode',
    codec=dict(
        type='RootRelativeLifting', skeleton='h36m17', skeleton_3d='h36m17', fps=60, confidence=True, window_box=True
    ),
)
train_pipeline = [*film, encode, dict(type='FlipPose'), dict(type='PackPose')]
test_pipeline = [*film, encode, dict(type='PackPose', keys=['keypoints', 'lifting_target', 'lifting_target_visible'])]

source = dict(_delete_=True, type='AMASSDataset', data_root=data_root)
train_dataloader = dict(
    dataset=dict(**source, split='train', window=dict(length=243, stride=81), pipeline=train_pipeline)
)
val_dataloader = dict(dataset=dict(**source, split='val', test_mode=True, pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(**source, split='test', test_mode=True, pipeline=test_pipeline))
