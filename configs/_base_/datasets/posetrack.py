# PoseTrack18's people as MotionBERT pretrains on them: 30 frames, the 2D itself as label (with ReprojectionLoss),
# detector noise and masks on the input. The data: docs/datasets/posetrack.md.

codec = dict(type='RootRelativeLifting', skeleton='h36m17', skeleton_3d='h36m17', confidence=True)
data_root = '{{$POSELIFTER_DATA:data}}/posetrack'

train_pipeline = [
    dict(type='Encode', codec=codec),
    dict(type='CropScale', ratio=(0.25, 1)),
    dict(type='FlipPose'),
    dict(type='TargetFrom2D'),
    dict(type='FittedNoise'),
    dict(type='JointMask', prob=0.05),
    dict(type='FrameMask', prob=0.1),
    dict(type='PackPose'),
]
train_dataloader = dict(
    batch_size=64,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='EpochSampler'),
    collate_fn=dict(type='poselifter.stack_clips'),  # mmengine looks functions up in its own scope only
    dataset=dict(type='PoseTrackDataset', data_root=data_root, window=dict(length=30), pipeline=train_pipeline),
)
