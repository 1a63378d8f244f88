# MixSTE at a size for CPUs: 0.27 M parameters instead of 33.8 M.
model = dict(
    type='MotionEstimator',
    backbone=dict(
        type='MixSTE',
        num_frames=27,
        num_joints=17,
        in_channels=6,
        embed_dims=64,
        depth=4,
        num_heads=8,
        drop_path_rate=0,
    ),
    heads=dict(
        pose=dict(
            type='PoseHead',
            in_channels=64,
            norm=True,
            losses=[
                dict(type='WeightedMPJPELoss', joint_weights='mixste'),
                dict(type='TemporalConsistencyLoss', joint_weights='mixste', loss_weight=0.5),
                dict(type='VelocityLoss', loss_weight=2.0),
            ],
        )
    ),
    test_cfg=dict(window=dict(length=27, stride=9), flip_test=True),
)
