# MixSTE, single frames, MPI-INF-3DHP with true 2D joints: 94.2 % PCK, 63.8 % AUC, 57.9 mm (paper, table 3).
_base_ = './mpi_inf_3dhp_27.py'

model = {{_base_.sizes.mixste_1}}
train_dataloader = dict(batch_size=1024, dataset=dict(window=dict(length=1)))
auto_scale_lr = dict(base_batch_size=1024)
