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
        drop_rate=0.0,
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

sizes = dict(
    # 1 frame: 57.9 mm on MPI-INF-3DHP
    mixste_1=dict(backbone=dict(num_frames=1)),
    # 27 frames: 45.1 mm on Human3.6M with CPN keypoints (paper, study of sizes); 54.9 mm on MPI-INF-3DHP
    mixste_27=dict(backbone=dict(num_frames=27)),
    # 81 frames: 42.4 mm on Human3.6M with CPN keypoints (paper, table 1)
    mixste_81=dict(backbone=dict(num_frames=81)),
    # for HumanEva, 43 frames: 16.1 mm fine-tuned from Human3.6M (paper)
    mixste_humaneva_43=dict(
        backbone=dict(num_frames=43, num_joints=15),
        heads=dict(
            pose=dict(
                losses=[  # weights as released; they do not line up with its joints
                    dict(
                        type='WeightedMPJPELoss',
                        joint_weights=[1, 1, 2.5, 2.5, 1, 2.5, 2.5, 1, 1.5, 1.5, 4, 4, 1.5, 4, 4],
                    ),
                    dict(
                        type='TemporalConsistencyLoss',
                        joint_weights=[1, 1, 2.5, 2.5, 1, 2.5, 2.5, 1, 1.5, 1.5, 4, 4, 1.5, 4, 4],
                        loss_weight=0.5,
                    ),
                    dict(type='VelocityLoss', loss_weight=2.0),
                ]
            )
        ),
    ),
)
