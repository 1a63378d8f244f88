# PoseFormer, 81 frames: 9.6 M parameters; 44.3 mm on Human3.6M with CPN keypoints (paper, table 1).
model = dict(
    type='MotionEstimator',
    backbone=dict(
        type='PoseFormer',
        num_frames=81,
        num_joints=17,
        in_channels=2,
        joint_dims=32,
        depth=4,
        num_heads=8,
        mlp_ratio=2.0,
        drop_path_rate=0.1,
    ),
    neck=dict(type='WeightedFrameMean'),
    heads=dict(pose=dict(type='PoseHead', num_joints=17, norm='layer')),
)

sizes = dict(
    # 27 frames: 9.6 M parameters; 47.0 mm on Human3.6M with CPN keypoints (authors)
    poseformer_27=dict(backbone=dict(num_frames=27)),
    # 9 frames: 9.6 M parameters; 77.1 mm on MPI-INF-3DHP (paper)
    poseformer_9=dict(backbone=dict(num_frames=9)),
)
