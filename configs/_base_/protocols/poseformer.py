# PoseFormer. Testing: a window for each frame; the root as predicted; a mirrored copy is averaged in. Training:
# AdamW, the rate falls by a hundredth every epoch.

model_test_cfg = dict(batch_size=32, window=dict(stride=1), zero_root=False, flip_test=True)
val_evaluator = [dict(type='PoseMetric', protocol='poseformer'), dict(type='PoseMetric')]
test_evaluator = val_evaluator

train_cfg = dict(by_epoch=True, max_epochs=200, val_interval=1)
val_cfg = dict()
test_cfg = dict()
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=1e-4, weight_decay=0.1))
param_scheduler = dict(type='ExponentialLR', gamma=0.99, by_epoch=True)
auto_scale_lr = dict(base_batch_size=512)
