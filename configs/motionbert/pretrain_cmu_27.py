# MotionBERT's pretraining, small, on CMU motion capture: 2D with its noise and masks to 3D.
_base_ = './cmu_27.py'

work_dir = 'work_dirs/motionbert/pretrain_cmu_27'
load_from = pretrained_by = variants = None
model = dict(type='UnifiedMotionPretrainer', loss_2d=dict(type='ReprojectionLoss', fit_scale=True))
train_dataloader = dict(
    dataset=dict(
        pipeline=[
            dict(type='VirtualCamera'),
            dict(type='DetectedJoints'),
            dict(type='Encode', codec={{_base_.codec}}),
            dict(type='FlipPose'),
            dict(type='FittedNoise'),
            dict(type='JointMask', prob=0.05),
            dict(type='FrameMask', prob=0.1),
            dict(type='PackPose'),
        ]
    )
)
