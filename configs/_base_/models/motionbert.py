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

# the same pretraining with other networks (table 6); the paper does not say how large they are
other_backbones = dict(
    tcn=dict(type='TemporalConvNet', num_frames=243, in_channels=3, filter_widths=[3, 3, 3, 3, 3], pad=True),
    poseformer=dict(type='PoseFormer', num_frames=243, in_channels=3),
)

sizes = dict(
    # MotionBERT-Lite, 243 frames: 16.0 M parameters
    motionbert_lite=dict(backbone=dict(embed_dims=256, mlp_ratio=4.0)),
    # 60 classes of actions: 60.4 M parameters; NTU-60 x-sub 93.0 %, x-view 97.2 % pretrained (paper)
    motionbert_action=dict(
        heads=dict(
            _delete_=True, action=dict(type='ActionHead', num_classes=60, hidden_dims=2048, dropout=0.5, official=True)
        )
    ),
    # meshes: 88.1 mm MPVE on 3DPW pretrained (paper)
    motionbert_mesh=dict(heads=dict(_delete_=True, mesh=dict(type='MeshHead', hidden_dims=1024, dropout=0.1))),
    # one-shot recognition: 60.3 M parameters; NTU-120 67.4 % pretrained (paper)
    motionbert_oneshot=dict(
        heads=dict(
            _delete_=True,
            embedding=dict(type='ActionEmbeddingHead', hidden_dims=2048, dropout=0.1, official=True),
        )
    ),
    # ActionPose, 243 frames: 36.7 mm on Human3.6M with detected keypoints (paper, table 1)
    actionpose=dict(
        backbone=dict(type='ActionPose', align_layer=3),
        heads=dict(pose=dict(losses=[dict(type='MPJPELoss'), dict(type='VelocityLoss', loss_weight=20.0)])),
    ),
)
