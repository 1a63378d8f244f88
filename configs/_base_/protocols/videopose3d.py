# VideoPose3D. Testing: each frame from its receptive field; the root as predicted; a mirrored copy is averaged in.
# Training: Adam (AMSGrad), the rate falls by a twentieth every epoch, and so does what batch norms learn.

# 256 frames at a time: 243 is the receptive field of the published model
model_test_cfg = dict(window=dict(length=243 + 255, tail='pad'), zero_root=False, flip_test=True)
val_evaluator = [dict(type='PoseMetric', protocol='videopose3d'), dict(type='PoseMetric')]
test_evaluator = val_evaluator

train_cfg = dict(by_epoch=True, max_epochs=80, val_interval=1)
val_cfg = dict()
test_cfg = dict()
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-3, amsgrad=True))
param_scheduler = dict(type='ExponentialLR', gamma=0.95, by_epoch=True)
custom_hooks = [dict(type='BatchNormMomentumHook')]
auto_scale_lr = dict(base_batch_size=1024)
