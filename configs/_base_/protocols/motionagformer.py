# MotionAGFormer and Motion2vec on Human3.6M: as MotionBERT, and the acceleration error inside clips of 243 frames.
_base_ = './motionbert.py'

val_evaluator = [dict(type='PoseMetric', protocol='motionagformer', clip_len=243), dict(type='PoseMetric')]
test_evaluator = val_evaluator

train_cfg = dict(max_epochs=60)
optim_wrapper = dict(optimizer=dict(lr=5e-4))
auto_scale_lr = dict(base_batch_size=16)
