# MotionAGFormer-S on Human3.6M, 81 frames: 42.5 mm MPJPE, 35.3 mm P-MPJPE (paper, table 1).
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/h36m_motionbert.py',
    '../_base_/models/motionagformer_b.py',
    '../_base_/protocols/motionagformer.py',
]

model = dict(**_base_.sizes.motionagformer_s, codec={{_base_.codec}}, test_cfg={{_base_.model_test_cfg}})
train_dataloader = dict(batch_size=16, dataset=dict(min_frames=81, window=dict(length=81, stride=27)))
val_dataloader = dict(dataset=dict(min_frames=81))
test_dataloader = val_dataloader
val_evaluator = [dict(type='PoseMetric', protocol='motionagformer', clip_len=81), dict(type='PoseMetric')]
test_evaluator = val_evaluator
default_hooks = dict(checkpoint=dict(save_best='motionagformer/MPJPE'))
