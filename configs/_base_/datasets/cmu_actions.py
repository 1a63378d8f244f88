# Actions in CMU motion capture seen by virtual cameras: classes with three or more clips in train and in test, whose
# subjects are apart. A clip is told by the mean of its windows' scores; there are 30 to test, hence no validation set.
# The data: `data/cmu`, made by tools/dataset_converters/cmu_mocap.py (docs/datasets/cmu.md).
_base_ = './cmu.py'

actions = ['walk', 'run', 'climb', 'acrobatics', 'drink', 'laugh']
film = [dict(type='VirtualCamera'), dict(type='DetectedJoints', prob=1), dict(type='KeypointNoise')]
encode = dict(type='Encode', codec={{_base_.codec}})
train_pipeline = [*film, encode, dict(type='FlipPose'), dict(type='PackPose', keys=['action'])]
test_pipeline = [*film, encode, dict(type='PackPose', keys=['action'])]

train_dataloader = dict(
    batch_size=16,
    drop_last=True,  # the head's batch norm needs more than one clip
    sampler=dict(type='BalancedSampler'),
    dataset=dict(classes=actions, pipeline=train_pipeline),
)
val_dataloader = val_evaluator = None
windows = dict(length=27, stride=27, tail='shift')
test_dataloader = dict(
    batch_size=64,
    dataset=dict(
        classes=actions, views=1, test_mode=False, window=windows, pipeline=test_pipeline, seed=2_000_000
    ),  # other cameras than in training
)
test_evaluator = dict(_delete_=True, type='ActionMetric', top_k=[1], merge=True, interval='subject')
