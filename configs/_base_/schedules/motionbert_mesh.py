# MotionBERT's training of meshes: the head ten times as fast as the backbone, 2 % slower every epoch.
train_cfg = dict(by_epoch=True, max_epochs=60, val_interval=1)
val_cfg = dict()
test_cfg = dict()
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=5e-4, weight_decay=0.01, fused=True),
    paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=0.1))),
)
param_scheduler = [dict(type='ExponentialLR', gamma=0.98, by_epoch=True)]
auto_scale_lr = dict(base_batch_size=128)
val_evaluator = [dict(type='MeshMetric', protocol='motionbert'), dict(type='MeshMetric')]
test_evaluator = val_evaluator
