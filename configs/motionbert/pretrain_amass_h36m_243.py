# MotionBERT's pretraining: AMASS and true poses of Human3.6M in 3D, and from epoch 30 on PoseTrack and InstaVariety in
# 2D. What it leaves reaches 37.5 mm on Human3.6M (h36m_243.py).
_base_ = './h36m_243.py'

work_dir = 'work_dirs/motionbert/pretrain_amass_h36m_243'
load_from = pretrained_by = variants = None
data = '{{$POSELIFTER_DATA:data}}'
model = dict(type='UnifiedMotionPretrainer')

masks = [
    dict(type='JointMask', prob=0.05),
    dict(type='FrameMask', prob=0.1),
    dict(type='PackPose', keys=['target', 'target_weight', 'target_2d', 'target_2d_weight']),
]
encode = dict(type='Encode', codec={{_base_.codec}})
lift = [
    dict(type='Encode', codec=dict(type='ImageSpaceLifting', gt_2d=True)),
    dict(type='FlipPose'),
    dict(type='FittedNoise'),
    *masks,
]
shown = [encode, dict(type='CropScale', ratio=(0.25, 1)), dict(type='FlipPose'), dict(type='TargetFrom2D')]
# from 1 km away a projection is orthographic: y is depth, a metre 0.298 of half the picture, as released
camera = dict(
    type='VirtualCamera',
    azimuth=(270, 270),
    height=(1, 1),
    distance=(1000, 1000),
    fov=(0.3845, 0.3845),
    roll=0,
    image_sizes=[(1000, 1000)],
)
window = dict(length=243, stride=81, tail='drop')
amass = dict(type='AMASSDataset', data_root=data + '/amass')
h36m = dict(type='Human36mMotionBERTDataset', data_root=data + '/motion3d')

train_dataloader = dict(
    batch_size=64,
    batch_sampler=dict(type='SourceBatchSampler', order='sequence', first_epochs=(30, 30, 0)),
    dataset=dict(
        _delete_=True,
        type='ConcatDataset',
        datasets=[
            dict(
                type='PoseTrackDataset',
                data_root=data + '/posetrack',
                window=dict(length=30),
                pipeline=[*shown, dict(type='FittedNoise'), *masks],
            ),
            dict(
                type='InstaVarietyDataset',
                data_root=data + '/instavariety',
                min_frames=81,
                window=dict(length=81, stride=27, tail='drop'),
                pipeline=[*shown, *masks],
            ),
            dict(
                type='ConcatDataset',
                datasets=[
                    dict(**amass, split='all', window=window, pipeline=[camera, *lift]),
                    dict(**h36m, split='train', min_frames=243, window=window, pipeline=lift),
                ],
            ),
        ],
    ),
)
train_cfg = dict(max_epochs=90)
optim_wrapper = dict(optimizer=dict(lr=5e-4))
auto_scale_lr = dict(base_batch_size=64)
