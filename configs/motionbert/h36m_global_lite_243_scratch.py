# As h36m_global_lite_243.py, from scratch.
_base_ = './h36m_global_lite_243.py'

load_from = pretrained_by = None
train_cfg = dict(max_epochs=120)
