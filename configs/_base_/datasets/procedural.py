# Motions of a kinematic body, made in memory, seen by virtual cameras and a simulated detector.
_base_ = './loaders.py'

codec = dict(
    type='RootRelativeLifting', skeleton='h36m17', skeleton_3d='h36m17', fps=30, confidence=True, window_box=True
)

film = [dict(type='VirtualCamera'), dict(type='DetectedJoints'), dict(type='KeypointNoise')]
train_pipeline = [*film, dict(type='Encode', codec=codec), dict(type='FlipPose'), dict(type='PackPose')]
test_pipeline = [
    *film,
    dict(type='Encode', codec=codec),
    dict(type='PackPose', keys=['keypoints', 'lifting_target', 'lifting_target_visible', 'action']),
]

source = dict(type='ProceduralMotion', n_frames=135)
held_back = dict(**source, test_mode=True, pipeline=test_pipeline)
train_dataloader = dict(
    batch_size=4,
    num_workers=1,
    dataset=dict(**source, n_sequences=480, window=dict(length=27, stride=27, tail='shift'), pipeline=train_pipeline),
)
val_dataloader = dict(batch_size=8, num_workers=1, dataset=dict(**held_back, offset=1_000_000, n_sequences=48))
test_dataloader = dict(batch_size=8, num_workers=1, dataset=dict(**held_back, offset=2_000_000, n_sequences=96))
val_evaluator = dict(type='PoseMetric')
test_evaluator = val_evaluator
