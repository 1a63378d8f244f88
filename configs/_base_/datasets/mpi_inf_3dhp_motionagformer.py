# MPI-INF-3DHP in MotionAGFormer's network space: true 2D, millimetres scaled as pixels are; clips every 9 frames.
# The data: docs/datasets/mpi_inf_3dhp.md. With another number of frames, change window.
_base_ = './mpi_inf_3dhp.py'

scaled = dict(type='ScreenScaledLifting', skeleton='mpi_inf_3dhp17', skeleton_3d='mpi_inf_3dhp17', fps=25, width=2048)
codec = dict(_delete_=True, **scaled)
encode = dict(type='Encode', codec=scaled)
train_pipeline = [encode, *_base_.train_pipeline[1:]]
test_pipeline = [encode, *_base_.test_pipeline[1:]]

train_dataloader = dict(
    batch_size=16,
    num_workers=4,
    dataset=dict(window=dict(length=81, stride=9, tail='shift'), pipeline=train_pipeline),
)
val_dataloader = dict(num_workers=2, dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
val_evaluator = [dict(type='PoseMetric', protocol='mpi_inf_3dhp'), dict(type='PoseMetric')]
test_evaluator = val_evaluator
