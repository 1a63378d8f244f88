# As h36m_243_scratch.py, large (46.5 M parameters).
_base_ = './h36m_243_scratch.py'

model = dict(backbone=dict(embed_dims=256))
train_dataloader = dict(batch_size=16)
auto_scale_lr = dict(base_batch_size=16)
