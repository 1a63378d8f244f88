# Motions made in memory at 50 fps, in the network space of published networks with confidences: x, y, confidence.
_base_ = './procedural.py'

codec = dict(
    type='RootRelativeLifting', skeleton='h36m17', skeleton_3d='h36m17', fps=50, confidence=True, window_box=False
)

film = [dict(type='VirtualCamera'), dict(type='DetectedJoints'), dict(type='KeypointNoise')]
train_pipeline = [*film, dict(type='Encode', codec=codec), dict(type='FlipPose'), dict(type='PackPose')]
test_pipeline = [
    *film,
    dict(type='Encode', codec=codec),
    dict(type='PackPose', keys=['keypoints', 'lifting_target', 'lifting_target_visible', 'action']),
]

train_dataloader = dict(dataset=dict(fps=50, n_frames=486, pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(fps=50, n_frames=486, pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(fps=50, n_frames=486, pipeline=test_pipeline))
