# As pretrain_h36m_243.py, large.
_base_ = './pretrain_h36m_243.py'

work_dir = 'work_dirs/motion2vec/pretrain_h36m_large_243'
variants = None
model = {{_base_.sizes.motion2vec_large}}
