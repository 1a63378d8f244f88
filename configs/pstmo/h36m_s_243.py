# P-STMO-S's stage II, 243 frames, every second one, Human3.6M with CPN detections: 43.0 mm (paper, table 1).
_base_ = './h36m_243.py'

load_from = 'work_dirs/pstmo/pretrain_h36m_s_243/epoch_80.pth'
pretrained_by = 'configs/pstmo/pretrain_h36m_s_243.py'

model = {{_base_.sizes.pstmo_s}}
optim_wrapper = dict(optimizer=dict(lr=7e-4))
