# MixSTE, 43 frames, HumanEva, a clip at every frame: 20.9 mm (paper, table 4), the mean of walking and jogging. The
# network returns the joints that it is given, so their 2D is the true one. Joints are weighted by name; the released
# weights do not line up with them.
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
variants = dict(
    # clips side by side: 28.5 mm
    # clips without overlap: 28.5 mm
    table4_scratch=dict(train_dataloader=dict(dataset=dict(window=dict(stride=43)))),
    # from Human3.6M, the embedding of each joint that of its namesake there: 16.1 mm
    finetune=dict(load_from='work_dirs/mixste/h36m_gt_43/epoch_120.pth', pretrained_by='configs/mixste/h36m_gt_43.py'),
)
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
