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

sizes = dict(
    # 81 frames: 12.8 M parameters; 47.7 mm on Human3.6M with CPN keypoints (paper)
    videopose3d_81=dict(backbone=dict(filter_widths=[3, 3, 3, 3])),
    # 27 frames: 8.6 M parameters; 48.8 mm on Human3.6M with CPN keypoints (paper)
    videopose3d_27=dict(backbone=dict(filter_widths=[3, 3, 3])),
    # for HumanEva, 27 frames: 8.5 M parameters; 33.0 mm on three actions (paper)
    videopose3d_humaneva_27=dict(
        backbone=dict(filter_widths=[3, 3, 3], num_joints=15), heads=dict(pose=dict(num_joints=15))
    ),
)
