# MixSTE, 243 frames: 33.8 M parameters; 40.9 mm on Human3.6M with CPN keypoints (paper, table 1).
model = dict(
    type='MotionEstimator',
    backbone=dict(
        type='MixSTE',
        num_frames=243,
        num_joints=17,
        in_channels=2,
        embed_dims=512,
        depth=8,
        num_heads=8,
        mlp_ratio=2.0,
        drop_path_rate=0.1,
    ),
    heads=dict(
        pose=dict(
            type='PoseHead',
            norm='layer',
            losses=[
                dict(type='WeightedMPJPELoss', joint_weights='mixste'),
                dict(type='TemporalConsistencyLoss', joint_weights='mixste', loss_weight=0.5),
                dict(type='VelocityLoss', loss_weight=2.0),
            ],
        )
    ),
)
