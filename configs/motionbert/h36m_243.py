# MotionBERT on Human3.6M from the pretrained weights: 37.5 mm MPJPE, 1.7 mm MPJVE (paper, table 1), 32.2 mm P-MPJPE
# (MMPose's run). Of the authors: load_from=MB_release/latest_epoch.bin.
_base_ = './h36m_243_scratch.py'

load_from = 'work_dirs/motionbert/pretrain_amass_h36m_243/epoch_90.pth'
pretrained_by = 'configs/motionbert/pretrain_amass_h36m_243.py'
train_cfg = dict(max_epochs=60)
