# P-STMO-S, 243 frames, every second one, Human3.6M with CPN detections: 43.0 mm (paper, table 1).
_base_ = './h36m_243.py'

model = dict(backbone=dict(depth=3))
optim_wrapper = dict(optimizer=dict(lr=7e-4))
