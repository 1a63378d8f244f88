# As mpi_inf_3dhp_81.py, large as released: 26 layers (75.5 M parameters); the paper's has 16. 15.9 mm MPJPE, 98.5 %
# PCK, 87.0 % AUC (paper).
_base_ = './mpi_inf_3dhp_81.py'

load_from = 'work_dirs/motion2vec/pretrain_mpi_inf_3dhp_large_81/epoch_60.pth'
pretrained_by = 'configs/motion2vec/pretrain_mpi_inf_3dhp_large_81.py'

model = {{_base_.sizes.motion2vec_large_81}}
