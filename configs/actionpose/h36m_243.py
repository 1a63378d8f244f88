# ActionPose on Human3.6M, 243 frames, from the pretrained weights: 36.7 mm MPJPE, 31.3 mm P-MPJPE (paper, table 1).
# Trained like MotionBERT.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/h36m_motionbert.py',
    '../_base_/models/motionbert.py',
    '../_base_/protocols/motionbert.py',
]

load_from = 'work_dirs/actionpose/pretrain_babel_243/epoch_300.pth'
pretrained_by = 'configs/actionpose/pretrain_babel_243.py'
variants = dict(scratch=dict(load_from=None, pretrained_by=None, train_cfg=dict(max_epochs=120)))

model = dict(**_base_.sizes.actionpose, codec={{_base_.codec}}, test_cfg={{_base_.model_test_cfg}})
train_cfg = dict(max_epochs=60)
default_hooks = dict(checkpoint=dict(save_best='motionbert/MPJPE'))
