# As h36m_243.py, large (46.5 M parameters): 38.0 mm MPJPE, 31.9 mm P-MPJPE (paper).
_base_ = './h36m_243.py'

load_from = 'work_dirs/motion2vec/pretrain_h36m_large_243/epoch_60.pth'
pretrained_by = 'configs/motion2vec/pretrain_h36m_large_243.py'

model = {{_base_.sizes.motion2vec_large}}
train_dataloader = dict(batch_size=16)
auto_scale_lr = dict(base_batch_size=16)
