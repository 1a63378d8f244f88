# As cmu_bodies.py, with the points that detectors mark on bodies of all builds: ears, heels and toes too where they do.
_base_ = './cmu_bodies.py'

codec = dict(
    type='RootRelativeLifting',
    skeleton='body23',
    skeleton_3d='body23',
    result_skeleton='body23',
    fps=30,
    confidence=True,
    window_box=True,
)
train_pipeline = [
    dict(type='TimeWarp', length=27, speed=(0.5, 2.0)),
    dict(type='StraightenLimbs', angle=40, prob=0.6),
    dict(type='VaryPose', angle=11, prob=0.5),
    dict(type='BodyDetections', skeleton='body23'),
    dict(type='WideCamera', pitch=(-15, 45), roll=30, distance=(1.5, 15), focal=(0.5, 4)),
    dict(type='DetectorErrors', strength=(0.3, 2.2), outside=0.5),
    dict(type='MissingParts', prob=0.3),
    dict(type='Encode', codec=codec),
    dict(type='FlipPose'),
    dict(type='PackPose'),
]
test_pipeline = [
    dict(type='VirtualCamera'),
    dict(type='DetectedJoints', prob=1),
    dict(type='KeypointNoise'),
    dict(type='ConvertJoints', skeleton='body23'),
    dict(type='Encode', codec=codec, labels=False),
    dict(type='PackPose', keys=['keypoints', 'lifting_target', 'lifting_target_visible', 'action']),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
