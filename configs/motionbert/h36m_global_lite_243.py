# As h36m_global_243.py, MotionBERT-Lite: the released model for the wild.
_base_ = './h36m_global_243.py'

load_from = 'work_dirs/motionbert/pretrain_amass_h36m_lite_243/epoch_90.pth'
pretrained_by = 'configs/motionbert/pretrain_amass_h36m_lite_243.py'
model = {{_base_.sizes.motionbert_lite}}
optim_wrapper = dict(optimizer=dict(lr=5e-4))
