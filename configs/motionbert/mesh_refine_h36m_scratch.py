# As mesh_refine_h36m.py, from scratch.
_base_ = './mesh_refine_h36m.py'

load_from = pretrained_by = None
optim_wrapper = dict(optimizer=dict(lr=1e-4), paramwise_cfg=dict(_delete_=True))
