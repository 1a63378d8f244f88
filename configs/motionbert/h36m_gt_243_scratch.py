# As h36m_gt_243.py, from scratch: 17.8 mm (paper, table 1).
_base_ = './h36m_gt_243.py'

load_from = pretrained_by = None
train_cfg = dict(max_epochs=120)
