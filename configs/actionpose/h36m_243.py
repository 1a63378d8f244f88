# ActionPose on Human3.6M, 243 frames, from the pretrained weights: 36.7 mm MPJPE, 31.3 mm P-MPJPE (paper, table 1).
_base_ = './h36m_243_scratch.py'

load_from = 'work_dirs/actionpose/pretrain_babel_243/epoch_300.pth'
pretrained_by = 'configs/actionpose/pretrain_babel_243.py'
train_cfg = dict(max_epochs=60)
