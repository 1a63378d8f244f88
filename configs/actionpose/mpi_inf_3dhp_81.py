# ActionPose on MPI-INF-3DHP, true 2D, 81 frames, from the pretrained weights: 15.5 mm MPJPE, 98.9 % PCK, 87.0 % AUC
# (paper, table 2). Places of joints are taken over by name.
_base_ = './mpi_inf_3dhp_81_scratch.py'

load_from = 'work_dirs/actionpose/pretrain_babel_243/epoch_300.pth'
pretrained_by = 'configs/actionpose/pretrain_babel_243.py'
