# Motion2vec, base, on MPI-INF-3DHP, true 2D, 81 frames, from the pretrained weights: 16.5 mm MPJPE, 98.7 % PCK,
# 86.4 % AUC (paper). As the release does not say how, it trains like MotionAGFormer-B, whose network it is. The joints'
# graph is Human3.6M's, on other joints, as released; --variant skeleton has the bones of this data set.
_base_ = '../motionagformer/mpi_inf_3dhp_81.py'

load_from = 'work_dirs/motion2vec/pretrain_mpi_inf_3dhp_81/epoch_60.pth'
pretrained_by = 'configs/motion2vec/pretrain_mpi_inf_3dhp_81.py'
variants = dict(
    scratch=dict(load_from=None, pretrained_by=None),
    skeleton=dict(
        model=dict(backbone=dict(edges='mpi_inf_3dhp17')),
        load_from='work_dirs/motion2vec/pretrain_mpi_inf_3dhp_81_skeleton/epoch_60.pth',
        pretrained_by='configs/motion2vec/pretrain_mpi_inf_3dhp_81.py --variant skeleton',
    ),
)
default_hooks = dict(checkpoint=dict(save_best='mpi_inf_3dhp/MPJPE'))
