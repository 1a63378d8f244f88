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

sizes = dict(
    # B, 81 frames: 11.7 M parameters; 18.2 mm on MPI-INF-3DHP (paper)
    motionagformer_b_81=dict(backbone=dict(num_frames=81)),
    # L, 243 frames: 19.0 M parameters; 38.4 mm on Human3.6M (paper)
    motionagformer_l=dict(backbone=dict(depth=26)),
    # L, 81 frames: 19.0 M parameters; 16.2 mm on MPI-INF-3DHP (paper)
    motionagformer_l_81=dict(backbone=dict(num_frames=81, depth=26)),
    # S, 81 frames: 4.8 M parameters; 42.5 mm on Human3.6M (paper)
    motionagformer_s=dict(backbone=dict(num_frames=81, embed_dims=64, depth=26)),
    # XS, 27 frames: 2.2 M parameters; 45.1 mm on Human3.6M (paper)
    motionagformer_xs=dict(backbone=dict(num_frames=27, embed_dims=64, depth=12)),
    # Motion2vec, base, 243 frames: the same network, 11.7 M parameters; 38.4 mm on Human3.6M (paper)
    motion2vec=dict(backbone=dict(depth=16)),
    # Motion2vec, base, 81 frames: 11.7 M parameters; 16.5 mm on MPI-INF-3DHP (paper)
    motion2vec_81=dict(backbone=dict(num_frames=81)),
    # Motion2vec for 60 classes of actions (released x-view: 14 layers); NTU-60 x-sub 88.1 %, x-view 93.4 % (paper)
    motion2vec_action=dict(
        heads=dict(
            _delete_=True, action=dict(type='ActionHead', num_classes=60, hidden_dims=2048, dropout=0.5, official=True)
        )
    ),
    # Motion2vec, large, 243 frames: 46.5 M parameters; 38.0 mm on Human3.6M (paper)
    motion2vec_large=dict(backbone=dict(embed_dims=256)),
    # Motion2vec, large, 81 frames: 75.5 M parameters as released for MPI-INF-3DHP (26 layers); 15.9 mm (paper)
    motion2vec_large_81=dict(backbone=dict(num_frames=81, embed_dims=256, depth=26)),
)
