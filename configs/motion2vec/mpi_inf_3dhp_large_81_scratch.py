# As mpi_inf_3dhp_81_scratch.py, large as released: 26 layers (75.5 M parameters); the paper's has 16.
_base_ = './mpi_inf_3dhp_81_scratch.py'

model = dict(backbone=dict(depth=26, embed_dims=256))
