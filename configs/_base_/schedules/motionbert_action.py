# MotionBERT's training of actions: the head ten times as fast as the backbone, 1 % slower every epoch.
train_cfg = dict(by_epoch=True, max_epochs=300, val_interval=1)
val_cfg = dict()
test_cfg = dict()
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-3, weight_decay=0.01, fused=True),
    paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=0.1))),
)
param_scheduler = [dict(type='ExponentialLR', gamma=0.99, by_epoch=True)]
auto_scale_lr = dict(base_batch_size=32)
