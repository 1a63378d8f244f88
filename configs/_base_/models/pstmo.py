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

sizes = dict(
    # 351 frames: 5.5 M parameters
    pstmo_351=dict(backbone=dict(num_frames=351)),
    # 81 frames: 6.1 M parameters
    pstmo_81=dict(backbone=dict(num_frames=81)),
    # 27 frames: 5.2 M parameters
    pstmo_27=dict(backbone=dict(num_frames=27)),
    # 9 frames: 5.2 M parameters
    pstmo_9=dict(backbone=dict(num_frames=9)),
    # P-STMO-S, 243 frames: 6.5 M parameters; 43.0 mm on Human3.6M with CPN keypoints (paper, table 1)
    pstmo_s=dict(backbone=dict(depth=3)),
    # P-STMO-S, 351 frames: 5.0 M parameters
    pstmo_s_351=dict(backbone=dict(num_frames=351, depth=3)),
    # P-STMO-S, 81 frames: 5.5 M parameters; 44.1 mm on Human3.6M with CPN and every 3rd frame (paper, table 1)
    pstmo_s_81=dict(backbone=dict(num_frames=81, depth=3)),
    # P-STMO-S, 27 frames: 4.7 M parameters; 48.2 mm on Human3.6M with CPN keypoints (paper, table 5)
    pstmo_s_27=dict(backbone=dict(num_frames=27, depth=3)),
    # P-STMO-S, 9 frames: 4.7 M parameters
    pstmo_s_9=dict(backbone=dict(num_frames=9, depth=3)),
    # P-STMO at a size for CPUs, 27 frames
    pstmo_small=dict(
        backbone=dict(num_frames=27, in_channels=6, embed_dims=128, depth=3, feedforward_dims=256),
        neck=dict(feedforward_dims=256),
        test_cfg=dict(window=dict(length=27, stride=1), flip_test=True),
    ),
)
