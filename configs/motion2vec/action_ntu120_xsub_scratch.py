# As action_ntu120_xsub.py, from scratch.
_base_ = './action_ntu120_xsub.py'

load_from = pretrained_by = None
