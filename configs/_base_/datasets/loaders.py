# What the loaders of all data sets have in common.
train_dataloader = dict(
    persistent_workers=True,
    sampler=dict(type='EpochSampler'),
    collate_fn=dict(type='poselifter.stack_clips'),  # mmengine looks functions up in its own scope only
)
val_dataloader = dict(persistent_workers=True, sampler=dict(type='DefaultSampler', shuffle=False))
test_dataloader = val_dataloader
