# One-shot recognition of motions made in memory: sixteen classes train, in batches of pairs, nine others are tested.
_base_ = './procedural_actions.py'

auxiliary = [name for i, name in enumerate(_base_.actions) if i % 3]
novel = [name for i, name in enumerate(_base_.actions) if i % 3 == 0]
train_dataloader = dict(
    drop_last=False,
    sampler=dict(type='EpochSampler'),
    batch_sampler=dict(type='ClassPairSampler', per_class=2),
    dataset=dict(classes=auxiliary),
)
val_dataloader = dict(dataset=dict(classes=novel))
test_dataloader = dict(dataset=dict(classes=novel))
val_evaluator = dict(_delete_=True, type='FewShotMetric', ways=5, shots=1)
test_evaluator = dict(_delete_=True, type='FewShotMetric', ways=5, shots=1, interval='subject')
