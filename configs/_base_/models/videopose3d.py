# VideoPose3D, 243 frames: 17.0 M parameters; 46.8 mm on Human3.6M with CPN keypoints (paper, table 1).
model = dict(
    type='MotionEstimator',
    backbone=dict(
        type='TemporalConvNet',
        num_joints=17,
        in_channels=2,
        embed_dims=1024,
        filter_widths=[3, 3, 3, 3, 3],
        drop_rate=0.25,
    ),
    heads=dict(pose=dict(type='PoseHead', num_joints=17)),
)
