# CMU motion capture posed on bodies of all builds, seen by cameras of all kinds and a detector as measured on films.
# The data: `data/cmu` with the files `full_*.npz` of 31 joints (docs/datasets/cmu.md).
_base_ = './loaders.py'

codec = dict(
    type='RootRelativeLifting',
    skeleton='h36m17',
    skeleton_3d='body17',
    result_skeleton='cmu17',
    fps=30,
    confidence=True,
    window_box=True,
)
data_root = '{{$POSELIFTER_DATA:data}}/cmu'

train_pipeline = [
    dict(type='TimeWarp', length=27, speed=(0.5, 2.0)),
    dict(type='StraightenLimbs', angle=40, prob=0.6),
    dict(type='VaryPose', angle=11, prob=0.5),
    dict(type='VaryBody', prob=0.9),
    dict(type='PoseBody', prob=0.85),
    dict(type='WideCamera', pitch=(-15, 45), roll=30, distance=(1.5, 15), focal=(0.5, 4)),
    dict(type='DetectorErrors', strength=(0.3, 2.2), outside=0.5),
    dict(type='MissingParts', prob=0.3),
    dict(type='Encode', codec=codec),
    dict(type='FlipPose'),
    dict(type='PackPose'),
]
# the protocol of cmu.py
test_pipeline = [
    dict(type='VirtualCamera'),
    dict(type='DetectedJoints', prob=1),
    dict(type='KeypointNoise'),
    dict(type='Encode', codec=codec, labels=False),
    dict(type='PackPose', keys=['keypoints', 'lifting_target', 'lifting_target_visible', 'action']),
]

tested = dict(type='CMUMocapDataset', data_root=data_root, views=4, test_mode=True, pipeline=test_pipeline)
train_dataloader = dict(
    batch_size=24,
    num_workers=0,
    persistent_workers=False,
    dataset=dict(
        type='CMUSkeletonDataset',
        data_root=data_root,
        ann_file='cmu_train.npz',
        own_body=0.35,
        mix=0.25,
        window=dict(length=54, stride=9, tail='shift'),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=8, num_workers=0, persistent_workers=False, dataset=dict(**tested, ann_file='cmu_val.npz')
)
test_dataloader = dict(
    batch_size=8, num_workers=0, persistent_workers=False, dataset=dict(**tested, ann_file='cmu_test.npz')
)
val_evaluator = dict(type='PoseMetric')
test_evaluator = val_evaluator
