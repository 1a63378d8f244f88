# As mpi_inf_3dhp_81.py, large: 15.9 mm MPJPE, 98.5 % PCK, 87.0 % AUC (paper).
_base_ = './mpi_inf_3dhp_large_81_scratch.py'

load_from = 'work_dirs/motion2vec/pretrain_mpi_inf_3dhp_large_81/epoch_60.pth'
pretrained_by = 'configs/motion2vec/pretrain_mpi_inf_3dhp_large_81.py'
