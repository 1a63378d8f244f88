# HumanEva-I as VideoPose3D keeps it, Mask R-CNN detections (COCO joints in): docs/datasets/humaneva.md.
_base_ = './loaders.py'

codec = dict(type='RootRelativeLifting', skeleton='coco17', skeleton_3d='humaneva15', fps=60)
data_root = '{{$POSELIFTER_DATA:data}}/humaneva'

train_pipeline = [dict(type='Encode', codec=codec), dict(type='FlipPose'), dict(type='PackPose')]
test_pipeline = [
    dict(type='Encode', codec=codec),
    dict(type='PackPose', keys=['keypoints', 'lifting_target', 'lifting_target_visible', 'action']),
]
source = dict(
    type='HumanEvaDataset',
    data_root=data_root,
    ann_file='data_3d_humaneva15.npz',
    keypoint_file='data_2d_humaneva15_detectron_pt_coco.npz',
    filter_cfg=dict(include=dict(action_name=['Walking', 'Jog', 'Box'])),
)

train_dataloader = dict(
    batch_size=4,
    num_workers=2,
    dataset=dict(**source, subjects=['Train/S1', 'Train/S2', 'Train/S3'], pipeline=train_pipeline),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=1,
    dataset=dict(
        **source, subjects=['Validate/S1', 'Validate/S2', 'Validate/S3'], test_mode=True, pipeline=test_pipeline
    ),
)
test_dataloader = val_dataloader
