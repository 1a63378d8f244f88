# As action_ntu60_xsub.py, from scratch: 87.7 % (paper). One rate as released; the paper has 1e-3 for the head.
_base_ = './action_ntu60_xsub.py'

load_from = pretrained_by = None
optim_wrapper = dict(optimizer=dict(lr=1e-4), paramwise_cfg=dict(_delete_=True))
