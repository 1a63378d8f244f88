# As mpi_inf_3dhp_81.py, large as released: 26 layers (75.5 M parameters); the paper's has 16, --variant table2_large.
# 15.9 mm MPJPE, 98.5 % PCK, 87.0 % AUC (paper).
_base_ = './mpi_inf_3dhp_81.py'

load_from = 'work_dirs/motion2vec/pretrain_mpi_inf_3dhp_large_81/epoch_60.pth'
pretrained_by = 'configs/motion2vec/pretrain_mpi_inf_3dhp_large_81.py'
variants = dict(
    _delete_=True,
    scratch=_base_.variants.scratch,
    table2_large=dict(
        model=dict(backbone=dict(depth=16)),
        load_from='work_dirs/motion2vec/pretrain_mpi_inf_3dhp_large_81_table2_large/epoch_60.pth',
        pretrained_by='configs/motion2vec/pretrain_mpi_inf_3dhp_large_81.py --variant table2_large',
    ),
)

model = {{_base_.sizes.motion2vec_large_81}}
