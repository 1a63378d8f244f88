# As action_ntu120_xsub.py, from scratch.
_base_ = './action_ntu120_xsub.py'

load_from = pretrained_by = None
optim_wrapper = dict(optimizer=dict(lr=1e-4), paramwise_cfg=dict(_delete_=True))
