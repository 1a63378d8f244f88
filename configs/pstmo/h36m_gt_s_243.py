# As h36m_s_243.py, with true 2D joints: 29.3 mm (paper, table 1).
_base_ = './h36m_gt_s_243_scratch.py'

load_from = 'work_dirs/pstmo/pretrain_h36m_gt_s_243/epoch_80.pth'
pretrained_by = 'configs/pstmo/pretrain_h36m_gt_s_243.py'
