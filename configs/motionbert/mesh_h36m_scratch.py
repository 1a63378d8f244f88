# As mesh_h36m.py, from scratch: 75.7 mm MPVE (paper).
_base_ = './mesh_h36m.py'

load_from = pretrained_by = None
train_cfg = dict(max_epochs=100)
optim_wrapper = dict(optimizer=dict(lr=1e-4), paramwise_cfg=dict(_delete_=True))
