# As humaneva_43.py, from Human3.6M: 16.1 mm (paper). The embedding of each joint is that of its namesake there.
_base_ = './humaneva_43.py'

load_from = 'work_dirs/mixste/h36m_gt_43/epoch_120.pth'
pretrained_by = 'configs/mixste/h36m_gt_43.py'
