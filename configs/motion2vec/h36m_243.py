# Motion2vec, base, on Human3.6M, 243 frames, from the pretrained weights: 38.4 mm MPJPE, 32.1 mm P-MPJPE (paper).
_base_ = './h36m_243_scratch.py'

load_from = 'work_dirs/motion2vec/pretrain_h36m_243/epoch_60.pth'
pretrained_by = 'configs/motion2vec/pretrain_h36m_243.py'
