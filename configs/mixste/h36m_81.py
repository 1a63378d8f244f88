# MixSTE, 81 frames, Human3.6M with CPN detections: 42.4 mm (paper, table 1), 42.7 mm (table 7).
_base_ = './h36m_243.py'

model = {{_base_.sizes.mixste_81}}
variants = dict(_delete_=True)  # of 243 frames
train_dataloader = dict(batch_size=12, dataset=dict(window=dict(length=81)))
auto_scale_lr = dict(base_batch_size=12)
