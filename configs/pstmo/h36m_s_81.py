# P-STMO-S's stage II, 81 frames, every third one, Human3.6M with CPN detections: 44.1 mm (paper, table 1).
_base_ = './h36m_s_243.py'

load_from = 'work_dirs/pstmo/pretrain_h36m_s_81/epoch_80.pth'
pretrained_by = 'configs/pstmo/pretrain_h36m_s_81.py'

model = dict(**_base_.sizes.pstmo_s_81, test_cfg=dict(window=dict(dilation=3)))
train_dataloader = dict(dataset=dict(window=dict(length=81, dilation=3)))
