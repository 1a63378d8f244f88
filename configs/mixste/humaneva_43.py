# MixSTE, 43 frames, HumanEva: 20.9 mm (paper), 28.5 mm with window.stride=43. The network returns the joints that it is
# given, so their 2D is the true one. Joints are weighted by name; the released weights do not line up with them.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/humaneva.py',
    '../_base_/models/mixste.py',
    '../_base_/protocols/mixste.py',
]

true = dict(type='RootRelativeLifting', skeleton='humaneva15', skeleton_3d='humaneva15', fps=60)
encode = dict(type='Encode', codec=true)
codec = dict(_delete_=True, **true)
keypoint_file = 'data_2d_humaneva15_gt.npz'
model = dict(
    backbone=dict(num_frames=43, num_joints=15),
    codec=true,
    test_cfg={{_base_.model_test_cfg}},
    heads=dict(
        pose=dict(
            losses=[
                dict(type='WeightedMPJPELoss', skeleton='humaneva15'),
                dict(type='TemporalConsistencyLoss', skeleton='humaneva15', loss_weight=0.5),
                dict(type='VelocityLoss', loss_weight=2.0),
            ]
        )
    ),
)
train_dataloader = dict(
    batch_size=23,
    dataset=dict(
        keypoint_file=keypoint_file,
        window=dict(length=43, stride=1, tail='shift'),
        mirrored_copies=True,
        pipeline=[encode, *_base_.train_pipeline[1:]],
    ),
)
val_dataloader = dict(dataset=dict(keypoint_file=keypoint_file, pipeline=[encode, *_base_.test_pipeline[1:]]))
test_dataloader = val_dataloader
val_evaluator = [dict(type='PoseMetric', protocol='humaneva'), dict(type='PoseMetric')]
test_evaluator = val_evaluator
default_hooks = dict(checkpoint=dict(save_best='humaneva/MPJPE'))
auto_scale_lr = dict(base_batch_size=23)
