# MixSTE. Testing: clips side by side, the last one ends with the video, and what two clips cover counts twice; the root
# as predicted; a mirrored copy is averaged in. Training: AdamW, the rate falls by a hundredth every epoch.

model_test_cfg = dict(window=dict(tail='shift'), merge=False, zero_root=False, flip_test=True)
val_evaluator = [dict(type='PoseMetric', protocol='mixste'), dict(type='PoseMetric')]
test_evaluator = val_evaluator

train_cfg = dict(by_epoch=True, max_epochs=120, val_interval=1)
val_cfg = dict()
test_cfg = dict()
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=4e-5, weight_decay=0.1))
param_scheduler = dict(type='ExponentialLR', gamma=0.99, by_epoch=True)
auto_scale_lr = dict(base_batch_size=4)
