# As pretrain_mpi_inf_3dhp_81.py, large as released.
_base_ = './pretrain_mpi_inf_3dhp_81.py'

work_dir = 'work_dirs/motion2vec/pretrain_mpi_inf_3dhp_large_81'
variants = dict(_delete_=True, table2_large=dict(model=dict(backbone=dict(depth=16))))
model = {{_base_.sizes.motion2vec_large_81}}
