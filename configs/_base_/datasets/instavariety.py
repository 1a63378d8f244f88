# InstaVariety's tracks as MotionBERT pretrains on them: as posetrack.py says, but 81 frames, and no noise, since the 2D
# was detected. The data: docs/datasets/instavariety.md.
_base_ = './posetrack.py'

data_root = '{{$POSELIFTER_DATA:data}}/instavariety'
train_pipeline = [
    dict(type='Encode', codec={{_base_.codec}}),
    dict(type='CropScale', ratio=(0.25, 1)),
    dict(type='FlipPose'),
    dict(type='TargetFrom2D'),
    dict(type='JointMask', prob=0.05),
    dict(type='FrameMask', prob=0.1),
    dict(type='PackPose'),
]
train_dataloader = dict(
    dataset=dict(
        type='InstaVarietyDataset',
        data_root=data_root,
        min_frames=81,
        window=dict(length=81, stride=27, tail='drop'),
        pipeline=train_pipeline,
    )
)
