# P-STMO. Testing: a window for each frame, the root set to zero; a mirrored copy is averaged in. Training: Adam
# (AMSGrad), the rate falls by 3 % every epoch.

model_test_cfg = dict(window=dict(stride=1), zero_root=True, flip_test=True)
val_evaluator = [dict(type='PoseMetric', protocol='pstmo'), dict(type='PoseMetric')]
test_evaluator = val_evaluator

train_cfg = dict(by_epoch=True, max_epochs=80, val_interval=1)
val_cfg = dict()
test_cfg = dict()
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-3, amsgrad=True))
param_scheduler = dict(type='ExponentialLR', gamma=0.97, by_epoch=True)
auto_scale_lr = dict(base_batch_size=160)
