# MotionAGFormer-B on MPI-INF-3DHP, true 2D, 81 frames: 18.2 mm MPJPE, 98.3 % PCK, 84.2 % AUC (paper, table 2).
# As released, the joints' graph is Human3.6M's; model.backbone.edges=mpi_inf_3dhp17 is the right one.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/mpi_inf_3dhp_motionagformer.py',
    '../_base_/models/motionagformer_b.py',
]

# one clip around every frame, of which the middle one counts
model = dict(
    **_base_.sizes.motionagformer_b_81,
    codec={{_base_.codec}},
    test_cfg=dict(window=dict(stride=1, outputs=1), flip_test=True),
)
randomness = dict(seed=1)
train_cfg = dict(by_epoch=True, max_epochs=90, val_interval=1)
val_cfg = dict()
test_cfg = dict()
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=5e-4, amsgrad=True))
param_scheduler = dict(type='ExponentialLR', gamma=0.99, by_epoch=True)
auto_scale_lr = dict(base_batch_size=16)
default_hooks = dict(checkpoint=dict(save_best='mpi_inf_3dhp/MPJPE'))
