# MotionBERT on Human3.6M. Testing: clips side by side, what is left of a video is not scored, a mirrored copy is
# averaged in; three takes of S9 do not count. Training: AdamW, the rate falls by a hundredth every epoch.

model_test_cfg = dict(window=dict(tail='drop'), merge=False, flip_test=True)
val_evaluator = [dict(type='PoseMetric', protocol='motionbert'), dict(type='PoseMetric')]
test_evaluator = val_evaluator

train_cfg = dict(by_epoch=True, max_epochs=120, val_interval=1)
val_cfg = dict()
test_cfg = dict()
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=2e-4, weight_decay=0.01))
param_scheduler = dict(type='ExponentialLR', gamma=0.99, by_epoch=True)
auto_scale_lr = dict(base_batch_size=32)
