# Classes of motions made in memory: other bodies, styles and cameras in train, validation and test.
_base_ = './procedural.py'

actions = [
    'walk', 'wave', 'squat', 'jump', 'reach', 'turn', 'clap', 'box', 'throw', 'drink', 'bow', 'nod', 'cheer',
    'side_bend', 'twist', 'stretch', 'salute', 'push', 'pull', 'march', 'sneak', 'phone', 'wipe', 'swim', 'lift',
]  # fmt: skip
film = [dict(type='VirtualCamera'), dict(type='DetectedJoints'), dict(type='KeypointNoise')]
encode = dict(type='Encode', codec={{_base_.codec}})
train_pipeline = [*film, encode, dict(type='FlipPose'), dict(type='PackPose', keys=['action'])]
test_pipeline = [*film, encode, dict(type='PackPose', keys=['action'])]

windows = dict(length=27, stride=27, tail='shift')
tested = dict(classes=actions, n_sequences=500, test_mode=False, window=windows, pipeline=test_pipeline)
train_dataloader = dict(
    batch_size=16,
    drop_last=True,  # the head's batch norm needs more than one clip
    sampler=dict(type='BalancedSampler'),
    dataset=dict(classes=actions, n_sequences=500, pipeline=train_pipeline),
)
# seeds of their own: with the same one, the clips of a number have one camera in all sets, and it tells the class
val_dataloader = dict(batch_size=64, dataset={**tested, 'n_sequences': 100, 'seed': 1_000_000})
test_dataloader = dict(batch_size=64, dataset={**tested, 'seed': 2_000_000})
val_evaluator = dict(_delete_=True, type='ActionMetric', merge=True)
test_evaluator = dict(_delete_=True, type='ActionMetric', merge=True, interval='subject')
