# MotionBERT's pretraining, small, on CMU motion capture: 2D with its noise and masks to 3D.
_base_ = './cmu_27.py'

work_dir = 'work_dirs/motionbert/pretrain_cmu_27'
load_from = pretrained_by = None
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

# 3D labels for two subjects; of the others only detected 2D is used, from the third epoch on, in half of the batches
two = dict(subject=['05', '35'])
film = [dict(type='VirtualCamera'), dict(type='DetectedJoints')]
encode = [dict(type='Encode', codec={{_base_.codec}}), dict(type='FlipPose')]
masks = [dict(type='JointMask', prob=0.05), dict(type='FrameMask', prob=0.1), dict(type='PackPose')]
clips = dict(
    type='CMUMocapDataset',
    data_root={{_base_.data_root}},
    ann_file='cmu_train.npz',
    window=dict(length=27, stride=13, tail='shift'),
)
variants = dict(
    _delete_=True,
    few=dict(
        train_dataloader=dict(
            batch_sampler=dict(type='SourceBatchSampler', ratios=(1, 1), first_epochs=(2, 0)),
            dataset=dict(
                _delete_=True,
                type='ConcatDataset',
                datasets=[
                    dict(
                        **clips,
                        filter_cfg=dict(exclude=two),
                        pipeline=[*film, dict(type='KeypointNoise'), *encode, dict(type='TargetFrom2D'), *masks],
                    ),
                    dict(
                        **clips,
                        filter_cfg=dict(include=two),
                        pipeline=[*film, *encode, dict(type='FittedNoise'), *masks],
                    ),
                ],
            ),
        ),
        train_cfg=dict(max_epochs=20),
        # by epoch: the first ones have fewer batches
        param_scheduler=[
            dict(type='LinearLR', start_factor=0.05, by_epoch=False, end=200),
            dict(type='CosineAnnealingLR', eta_min=1e-6, T_max=20, by_epoch=True),
        ],
    ),
)
