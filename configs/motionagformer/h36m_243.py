# MotionAGFormer-B on Human3.6M, 243 frames: 38.4 mm MPJPE, 32.6 mm P-MPJPE (paper, table 1).
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/h36m_motionbert.py',
    '../_base_/models/motionagformer_b.py',
    '../_base_/protocols/motionagformer.py',
]

model = dict(codec={{_base_.codec}}, test_cfg={{_base_.model_test_cfg}})
train_dataloader = dict(batch_size=16)
default_hooks = dict(checkpoint=dict(save_best='motionagformer/MPJPE'))
