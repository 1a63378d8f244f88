# As pretrain_cmu_27.py, with 3D labels for two subjects; the others' clips are aligned with their descriptions only, in
# half of the batches.
_base_ = './pretrain_cmu_27.py'

work_dir = 'work_dirs/actionpose/pretrain_cmu_few_27'
few = dict(subject=['05', '35'])
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
train_dataloader = dict(
    batch_sampler=dict(type='SourceBatchSampler', ratios=(1, 1)),
    dataset=dict(
        _delete_=True,
        type='ConcatDataset',
        datasets=[
            dict(**clips, filter_cfg=dict(exclude=few), pipeline=[*film, *corrupt, dict(type='PackPose', keys=[])]),
            dict(**clips, filter_cfg=dict(include=few), pipeline=[*film, *corrupt, dict(type='PackPose')]),
        ],
    ),
)
train_cfg = dict(max_epochs=20)
