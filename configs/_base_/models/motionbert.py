# MotionBERT, 243 frames: 42.5 M parameters; 39.2 mm from scratch, 37.5 mm pretrained on Human3.6M (paper, table 1).
model = dict(
    type='MotionEstimator',
    backbone=dict(
        type='DSTformer',
        num_frames=243,
        num_joints=17,
        in_channels=3,
        embed_dims=512,
        rep_dims=512,
        depth=5,
        num_heads=8,
        mlp_ratio=2.0,
    ),
    heads=dict(
        pose=dict(
            type='PoseHead',
            init_std=0.02,
            losses=[
                dict(type='MPJPELoss'),
                dict(type='NMPJPELoss', loss_weight=0.5),
                dict(type='VelocityLoss', loss_weight=20.0),
            ],
        )
    ),
)
