# As pretrain_amass_h36m_243.py, MotionBERT-Lite (16.0 M parameters).
_base_ = './pretrain_amass_h36m_243.py'

work_dir = 'work_dirs/motionbert/pretrain_amass_h36m_lite_243'
variants = None
model = {{_base_.sizes.motionbert_lite}}
