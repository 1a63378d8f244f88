# P-STMO-S, 81 frames, every third one, Human3.6M with CPN detections, from scratch.
_base_ = './h36m_s_243_scratch.py'

model = dict(backbone=dict(num_frames=81), test_cfg=dict(window=dict(dilation=3)))
train_dataloader = dict(dataset=dict(window=dict(length=81, dilation=3)))
