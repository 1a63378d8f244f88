# As h36m_243.py, large: 38.0 mm MPJPE, 31.9 mm P-MPJPE (paper).
_base_ = './h36m_large_243_scratch.py'

load_from = 'work_dirs/motion2vec/pretrain_h36m_large_243/epoch_60.pth'
pretrained_by = 'configs/motion2vec/pretrain_h36m_large_243.py'
