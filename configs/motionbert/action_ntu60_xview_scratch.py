# As action_ntu60_xview.py, from scratch: 94.1 % (paper).
_base_ = './action_ntu60_xview.py'

load_from = pretrained_by = None
optim_wrapper = dict(optimizer=dict(lr=1e-4), paramwise_cfg=dict(_delete_=True))
