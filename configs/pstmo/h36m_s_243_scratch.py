# P-STMO-S, 243 frames, every second one, Human3.6M with CPN detections, from scratch.
_base_ = './h36m_243_scratch.py'

model = dict(backbone=dict(depth=3))
optim_wrapper = dict(optimizer=dict(lr=7e-4))
