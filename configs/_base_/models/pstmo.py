# P-STMO, 243 frames: 7.0 M parameters; 42.8 mm on Human3.6M with CPN keypoints (paper, table 1).
model = dict(
    type='MotionEstimator',
    backbone=dict(
        type='STMO',
        num_frames=243,
        num_joints=17,
        in_channels=2,
        embed_dims=256,
        depth=4,
        feedforward_dims=512,
        num_heads=8,
        drop_rate=0.1,
    ),
    neck=dict(type='ManyToOneAggregator', feedforward_dims=512, num_heads=8, drop_rate=0.1),
    heads=dict(
        pose=dict(type='PoseHead', num_joints=17, norm='batch', feature='single'),
        sequence=dict(type='PoseHead', num_joints=17, norm='batch', feature='sequence'),
    ),
)
