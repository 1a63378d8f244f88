# As poseformer_h36m_243_scratch.py, from the pretrained weights: 41.5 mm (paper, table 6).
_base_ = './poseformer_h36m_243_scratch.py'

load_from = 'work_dirs/motionbert/pretrain_poseformer_amass_h36m_243/epoch_90.pth'
pretrained_by = 'configs/motionbert/pretrain_poseformer_amass_h36m_243.py'
train_cfg = dict(max_epochs=60)
