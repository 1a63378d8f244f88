# ActionPose's pretraining, small, on CMU motion capture: masked 2D to 3D, and clips to their descriptions. Without a
# download the texts are read by hashed n-grams.
_base_ = './cmu_27.py'

work_dir = 'work_dirs/actionpose/pretrain_cmu_27'
load_from = pretrained_by = None
model = dict(
    type='TextMotionPretrainer',
    text_encoder=dict(type='HashedTextEncoder', embed_dims=256),
    text_head=dict(
        type='TextMotionHead',
        embed_dims=64,
        pose_pool=dict(type='ClassTokenPool', hidden_dims=128),
        text_pool=dict(type='TextPool', hidden_dims=128),
    ),
)
train_dataloader = dict(
    dataset=dict(
        pipeline=[
            dict(type='VirtualCamera'),
            dict(type='DetectedJoints'),
            dict(type='Encode', codec={{_base_.codec}}),
            dict(type='FlipPose'),
            dict(type='FittedNoise'),
            dict(type='MaskMixture'),
            dict(type='PackPose'),
        ]
    )
)
optim_wrapper = dict(paramwise_cfg=dict(custom_keys=dict(text_encoder=dict(lr_mult=0.1))))

# 3D labels for two subjects; the others' clips are aligned with their descriptions only, in half of the batches
two = dict(subject=['05', '35'])
film = [dict(type='VirtualCamera'), dict(type='DetectedJoints')]
corrupt = [
    dict(type='Encode', codec={{_base_.codec}}),
    dict(type='FlipPose'),
    dict(type='FittedNoise'),
    dict(type='MaskMixture'),
]
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
            batch_sampler=dict(type='SourceBatchSampler', ratios=(1, 1)),
            dataset=dict(
                _delete_=True,
                type='ConcatDataset',
                datasets=[
                    dict(
                        **clips,
                        filter_cfg=dict(exclude=two),
                        pipeline=[*film, *corrupt, dict(type='PackPose', keys=[])],
                    ),
                    dict(**clips, filter_cfg=dict(include=two), pipeline=[*film, *corrupt, dict(type='PackPose')]),
                ],
            ),
        ),
        train_cfg=dict(max_epochs=20),
        param_scheduler={'1': dict(T_max=20)},
    ),
)
