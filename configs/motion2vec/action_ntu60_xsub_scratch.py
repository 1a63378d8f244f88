# As action_ntu60_xsub.py, from scratch: 87.0 % (paper).
_base_ = './action_ntu60_xsub.py'

load_from = pretrained_by = None
