# Motion2vec's network at a size for CPUs; losses as in dstformer_small.py.
model = dict(
    type='MotionEstimator',
    backbone=dict(
        type='MotionAGFormer',
        num_frames=27,
        num_joints=17,
        in_channels=6,
        embed_dims=48,
        rep_dims=64,
        depth=4,
        num_heads=8,
        mlp_ratio=2,
        temporal_graph='similarity',
        neighbours=2,
    ),
    heads=dict(
        pose=dict(
            type='PoseHead',
            losses=[
                dict(type='MPJPELoss'),
                dict(type='VelocityLoss', loss_weight=20.0),
            ],
        )
    ),
    test_cfg=dict(window=dict(length=27, stride=9), flip_test=True),
)
