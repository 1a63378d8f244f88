# MotionAGFormer-B, 243 frames: 11.7 M parameters; 38.4 mm on Human3.6M with Stacked Hourglass keypoints (paper).
model = dict(
    type='MotionEstimator',
    backbone=dict(
        type='MotionAGFormer',
        num_frames=243,
        num_joints=17,
        in_channels=3,
        embed_dims=128,
        rep_dims=512,
        depth=16,
        num_heads=8,
        mlp_ratio=4.0,
        temporal_graph='similarity',
        neighbours=2,
    ),
    heads=dict(
        pose=dict(
            type='PoseHead',
            losses=[
                dict(type='MPJPELoss'),
                dict(type='NMPJPELoss', loss_weight=0.5),
                dict(type='VelocityLoss', loss_weight=20.0),
            ],
        )
    ),
)
