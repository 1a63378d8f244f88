# As pretrain_mpi_inf_3dhp_81.py, large as released.
_base_ = './pretrain_mpi_inf_3dhp_81.py'

work_dir = 'work_dirs/motion2vec/pretrain_mpi_inf_3dhp_large_81'
model = dict(backbone=dict(depth=26, embed_dims=256))
