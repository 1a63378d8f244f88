# P-STMO-S's stage II, 81 frames, MPI-INF-3DHP with true 2D joints: 97.9 % PCK, 75.8 % AUC, 32.2 mm MPJPE (paper,
# table 2).
_base_ = './mpi_inf_3dhp_s_81_scratch.py'

load_from = 'work_dirs/pstmo/pretrain_mpi_inf_3dhp_s_81/epoch_80.pth'
pretrained_by = 'configs/pstmo/pretrain_mpi_inf_3dhp_s_81.py'
