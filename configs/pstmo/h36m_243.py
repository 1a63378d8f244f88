# P-STMO's stage II, 243 frames, every second one, Human3.6M with CPN detections: 42.8 mm (paper, table 1).
_base_ = './h36m_243_scratch.py'

load_from = 'work_dirs/pstmo/pretrain_h36m_243/epoch_80.pth'
pretrained_by = 'configs/pstmo/pretrain_h36m_243.py'
