# MotionBERT's DSTformer at a size for CPUs: 0.41 M parameters instead of 42.5 M. Without the released scale term
# (NMPJPELoss), whose gradient is largest where poses are near zero: in short trainings it can hold them there.
model = dict(
    type='MotionEstimator',
    backbone=dict(
        type='DSTformer',
        num_frames=27,
        num_joints=17,
        in_channels=6,
        embed_dims=64,
        rep_dims=64,
        depth=3,
        num_heads=8,
        mlp_ratio=2,
    ),
    heads=dict(
        pose=dict(
            type='PoseHead',
            in_channels=64,
            init_std=0.02,
            losses=[
                dict(type='MPJPELoss'),
                dict(type='VelocityLoss', loss_weight=20.0),
            ],
        )
    ),
    test_cfg=dict(window=dict(length=27, stride=9), flip_test=True),
)

sizes = dict(actionpose_small=dict(backbone=dict(type='ActionPose', align_layer=2)))
