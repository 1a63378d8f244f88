# CMU motion capture seen by virtual cameras and a simulated detector.
# The data: `data/cmu`, made by tools/dataset_converters/cmu_mocap.py (docs/datasets/cmu.md).
_base_ = './loaders.py'

codec = dict(
    type='RootRelativeLifting', skeleton='h36m17', skeleton_3d='cmu17', fps=30, confidence=True, window_box=True
)
data_root = '{{$POSELIFTER_DATA:data}}/cmu'

train_pipeline = [
    dict(type='VirtualCamera'),
    dict(type='DetectedJoints'),
    dict(type='KeypointNoise'),
    dict(type='Encode', codec=codec),
    dict(type='FlipPose'),
    dict(type='PackPose'),
]
test_pipeline = [
    dict(type='VirtualCamera'),
    dict(type='DetectedJoints', prob=1),
    dict(type='KeypointNoise'),
    dict(type='Encode', codec=codec),
    dict(type='PackPose', keys=['keypoints', 'lifting_target', 'lifting_target_visible', 'action']),
]

source = dict(type='CMUMocapDataset', data_root=data_root)
tested = dict(**source, views=4, test_mode=True, pipeline=test_pipeline)
train_dataloader = dict(
    batch_size=4,
    num_workers=1,
    dataset=dict(
        **source,
        ann_file='cmu_train.npz',
        window=dict(length=27, stride=13, tail='shift'),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(batch_size=8, num_workers=1, dataset=dict(**tested, ann_file='cmu_val.npz'))
test_dataloader = dict(batch_size=8, num_workers=1, dataset=dict(**tested, ann_file='cmu_test.npz'))
val_evaluator = dict(type='PoseMetric')
test_evaluator = val_evaluator
