# One-shot recognition in CMU motion capture: eleven classes train, in batches of pairs; those of cmu_actions.py, with
# other subjects, are told by a clip of each.
# The data: `data/cmu`, made by tools/dataset_converters/cmu_mocap.py (docs/datasets/cmu.md).
_base_ = './cmu_actions.py'

auxiliary = [
    'dance', 'salsa', 'basketball', 'jump', 'martial_arts', 'sit', 'soccer', 'exercise', 'reach', 'balance', 'wash',
]  # fmt: skip
train_dataloader = dict(
    drop_last=False,
    sampler=dict(type='EpochSampler'),
    batch_sampler=dict(type='ClassPairSampler', per_class=2),
    dataset=dict(classes=auxiliary),
)
test_evaluator = dict(_delete_=True, type='FewShotMetric', ways=6, shots=1)
